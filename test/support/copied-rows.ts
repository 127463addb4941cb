import type { PartitionKey } from '../../src/query/partition-key';

type Value = string | number | null;
/** Of columns id, region, code, name, score, is_open, opened, seen_at, note: what databases understand in ways of their own is among them. */
export const trickyTexts = [
  'Aa',
  'aa',
  'aA',
  'a',
  'a ',
  ' a',
  '',
  'ä',
  'Ä',
  'ae',
  'ß',
  'ss',
  'a_b',
  'a%b',
  'a\\b',
  "it's",
  'x[1]',
  'x*y',
  'z?',
  '😀b',
  '日本',
  'ＡＡ',
  '0',
  '00',
  '1e0',
];
export const copiedDates = ['2024-02-29', '1999-12-31', '1000-01-01', '9999-12-31', '2024-03-01'];
export const copiedTimes = ['2024-02-29 00:00:00', '1999-12-31 23:59:59', '2024-02-29 12:30:00'];
const scores = [0, 0.1, 0.25, -1.5, 1e15, 3, 1 / 3];
export const copiedPlaces: readonly (readonly Value[])[] = Array.from(
  { length: 300 },
  (_, i): readonly Value[] => {
    const orNull = <T extends Value>(value: T | undefined, every: number): T | null =>
      i % every === 3 ? null : (value ?? null);
    return [
      i,
      orNull(i % 60, 17),
      orNull(trickyTexts[i % trickyTexts.length], 11),
      orNull(trickyTexts[(i * 7) % trickyTexts.length], 13),
      orNull(scores[i % scores.length], 9),
      orNull(i % 2, 7),
      orNull(copiedDates[i % copiedDates.length], 10),
      orNull(copiedTimes[i % copiedTimes.length], 12),
      (i * 37) % 50,
    ];
  },
);
export const copiedStops: readonly (readonly Value[])[] = Array.from(
  { length: 80 },
  (_, i): readonly Value[] => [
    i,
    i % 9 === 4 ? null : (i * 3) % 70,
    trickyTexts[(i * 3) % trickyTexts.length] ?? null,
    copiedDates[i % copiedDates.length] ?? null,
    i % 20,
  ],
);

/** Both tables, in the words of a database. */
export const copiedSchema = (text: string, float: string, boolean: string, time: string): string => `
  create table place (id int primary key, region int, code ${text}, name ${text}, score ${float}, is_open ${boolean}, opened date, seen_at ${time}, size bigint);
  create table stop (id int primary key, region int, code ${text}, day date, platforms smallint);`;
export const insertPlace = 'insert into place values (?, ?, ?, ?, ?, ?, ?, ?, ?)';
export const insertStop = 'insert into stop values (?, ?, ?, ?, ?)';

const tables = (place: string, stop: string): Map<string, string> =>
  new Map([
    ['public.place', place],
    ['public.stop', stop],
  ]);
export const copiedKeys: readonly PartitionKey[] = [
  { name: 'region', datatype: 'integer', tables: tables('region', 'region') },
  { name: 'code', datatype: 'text', tables: tables('code', 'code') },
  { name: 'day', datatype: 'timestamp', tables: tables('opened', 'day') },
  { name: 'moment', datatype: 'timestamp', tables: new Map([['public.place', 'seen_at']]) },
  { name: 'score', datatype: 'float', tables: new Map([['public.place', 'score']]) },
];
