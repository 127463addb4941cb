import fc from 'fast-check';
import { copiedDates, copiedTimes, trickyTexts } from './copied-rows';

/** Conditions that mean the same everywhere, in the words of PostgreSQL. */
const text = fc.constantFrom(...trickyTexts).map((name) => `'${name.replaceAll("'", "''")}'`);
const pattern = fc
  .array(
    fc.oneof(
      fc.constantFrom('%', '_', 'a', 'A', 'ä', '\\%', '\\_', '\\\\', '[', '*', '?', '|', '😀', ' '),
      text.map((t) => t.slice(1, -1).replaceAll('\\', '\\\\')),
    ),
    { minLength: 1, maxLength: 3 },
  )
  .map((parts) => `'${parts.join('')}'`);
const number = fc.integer({ min: -5, max: 70 }).map(String);
const date = fc.constantFrom(...copiedDates, '2000-01-01').map((day) => `'${day}'`);
const time = fc
  .constantFrom(...copiedTimes, '2024-02-29', '2024-02-29 12:30:00.5')
  .map((moment) => `'${moment}'`);
const comparison = fc.constantFrom('=', '<>', '<', '<=', '>', '>=');
const equality = fc.constantFrom('=', '<>');
const atom = (t: string): fc.Arbitrary<string> =>
  fc.oneof(
    fc
      .tuple(fc.constantFrom('id', 'region', 'size'), comparison, number)
      .map(([column, operator, n]) => `${t}.${column} ${operator} ${n}`),
    fc.tuple(number, number).map(([low, high]) => `${t}.size between ${low} and ${high}`),
    fc
      .tuple(fc.constantFrom('', 'not '), fc.array(number, { minLength: 1, maxLength: 4 }))
      .map(([not, list]) => `${t}.id ${not}in (${list.join()})`),
    fc
      .tuple(fc.constantFrom('code', 'name'), equality, text)
      .map(([column, operator, value]) => `${t}.${column} ${operator} ${value}`),
    fc
      .tuple(fc.constantFrom('', 'not '), fc.array(text, { minLength: 1, maxLength: 4 }))
      .map(([not, list]) => `${t}.name ${not}in (${list.join()})`),
    fc.tuple(fc.constantFrom('', 'not '), pattern).map(([not, like]) => `${t}.name ${not}like ${like}`),
    fc.tuple(comparison, date).map(([operator, day]) => `${t}.opened ${operator} ${day}`),
    fc.tuple(date, date).map(([low, high]) => `${t}.opened not between ${low} and date ${high}`),
    fc.tuple(comparison, time).map(([operator, moment]) => `${t}.seen_at ${operator} ${moment}`),
    fc
      .tuple(comparison, fc.constantFrom('0', '0.1', '0.25', '-1.5', '1000000000000000', '2.5'))
      .map(([operator, score]) => `${t}.score ${operator} ${score}`),
    fc
      .tuple(
        fc.constantFrom('code', 'name', 'score', 'opened', 'is_open', 'size'),
        fc.constantFrom('is null', 'is not null'),
      )
      .map(([column, test]) => `${t}.${column} ${test}`),
    fc.constantFrom(
      `${t}.is_open`,
      `not ${t}.is_open`,
      `${t}.is_open is not true`,
      `${t}.is_open = false`,
      `${t}.code = ${t}.name`,
      `${t}.code <> ${t}.name`,
      `${t}.id < ${t}.size`,
    ),
  );
const condition = (t: string): fc.Arbitrary<string> =>
  fc.letrec<{ tree: string }>((tie) => ({
    tree: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      atom(t),
      fc
        .tuple(tie('tree'), fc.constantFrom('and', 'or'), tie('tree'))
        .map(([left, word, right]) => `(${left} ${word} ${right})`),
      tie('tree').map((inner) => `(not (${inner}))`),
      tie('tree').map((inner) => `((${inner}) is not true)`),
    ),
  })).tree;

/** A statement, and the partition key that fragments of it are wanted of. */
export const randomCopiedStatement = fc.oneof(
  fc
    .tuple(fc.constantFrom('region', 'code', 'day', 'moment', 'score'), condition('p'))
    .map(([key, where]) => ({ key, query: `select * from place p where ${where}` })),
  fc
    .tuple(
      fc.constantFrom(['region', 'region'], ['code', 'code'], ['day', 'opened']),
      condition('p'),
      fc.constantFrom('s.platforms > 5', 's.platforms <> p.size', `s.code like '%a%'`),
    )
    .map(([[key = '', column = ''], where, other]) => ({
      key,
      query: `select * from place p join stop s on p.${column} = s.${key === 'day' ? 'day' : column} where ${where} and ${other}`,
    })),
);
