import { tableName } from '../rewrite/statements';

const list = (length: number, item: (i: number) => string, separator: string): string =>
  Array.from({ length }, (_, i) => item(i)).join(separator);

const table = (i: number): string => tableName(i % 8);
const one = tableName(0);

/** Statements that take long to look into, if anybody does. `salt` makes each the first of its kind. */
export const hostileTexts: Readonly<Record<string, (salt: number) => string>> = {
  '10,000 ORs': (salt) =>
    `select from ${one} where ${list(10_000, (i) => `population = ${i + salt}`, ' or ')}`,
  '1,200 ORs': (salt) => `select from ${one} where ${list(1_200, (i) => `population = ${i + salt}`, ' or ')}`,
  '600 ANDs': (salt) => `select from ${one} where ${list(600, (i) => `population <> ${i + salt}`, ' and ')}`,
  '1,000 tables joined by comma': (salt) =>
    `select from ${list(1_000, (i) => `${table(i)} t${i}`, ', ')} where t0.id = ${salt}`,
  '200 joins on the key': (salt) =>
    `select from ${one} t0 ${list(200, (i) => `join ${table(i)} t${i + 1} on t${i}.region_id = t${i + 1}.region_id`, ' ')} where t0.id = ${salt}`,
  '64 joins, a condition between each two': (salt) =>
    `select from ${one} t0 ${list(64, (i) => `join ${table(i)} t${i + 1} on t${i}.region_id = t${i + 1}.region_id and t${i}.kind <> t${i + 1}.kind`, ' ')} where t0.id = ${salt}`,
  'self-join of 12, alike': (salt) =>
    `select from ${list(12, (i) => `${one} t${i}`, ', ')} where ${list(11, (i) => `t${i}.region_id = t${i + 1}.region_id and t${i}.kind <> t${i + 1}.kind and t${i}.population > ${salt}`, ' and ')}`,
  'a clique of 12': (salt) =>
    `select from ${list(12, (i) => `${one} t${i}`, ', ')} where ${list(11, (i) => `t${i}.region_id = t${i + 1}.region_id`, ' and ')} and ${list(12, (i) => list(i, (j) => `t${i}.kind <> t${j}.kind`, ' and ') || `t0.population > ${salt}`, ' and ')}`,
  'an IN list of 1 MB': (salt) =>
    `select from ${one} where population in (${list(150_000, (i) => String(i + salt), ',')})`,
  'an IN list of 100 KB': (salt) =>
    `select from ${one} where population in (${list(15_000, (i) => String(i + salt), ',')})`,
  'an array constant of 1 MB': (salt) =>
    `select from ${one} where population = any ('{${list(150_000, (i) => String(i + salt), ',')}}')`,
  'a string of 1 MB': (salt) => `select from ${one} where kind = '${'x'.repeat(1_000_000)}${salt}'`,
  'parentheses, 5,000 deep': (salt) =>
    `select from ${one} where ${'('.repeat(5_000)}population = ${salt}${')'.repeat(5_000)}`,
  'parentheses, 1,000 deep': (salt) =>
    `select from ${one} where ${'('.repeat(1_000)}population = ${salt}${')'.repeat(1_000)}`,
  'sub-selects, 100 deep': (salt) =>
    `select from ${one} where ${list(100, (i) => `id in (select id from ${table(i)} where `, '')} population = ${salt}${')'.repeat(100)}`,
  '200 CTEs': (salt) =>
    `with ${list(200, (i) => `c${i} as (select * from ${table(i)} where population = ${salt + i})`, ', ')} select from ${list(200, (i) => `c${i}`, ', ')}`,
  '500 branches of UNION': (salt) =>
    list(500, (i) => `select id from ${table(i)} where population = ${salt + i}`, ' union all '),
  '1,500 columns': (salt) =>
    `select ${list(1_500, (i) => `population as c${i}`, ', ')} from ${one} where population = ${salt}`,
  'CASE with 500 arms': (salt) =>
    `select from ${one} where case ${list(500, (i) => `when population = ${i + salt} then true`, ' ')} end`,
  'a sum of 2,000 terms': (salt) => `select from ${one} where ${list(2_000, () => 'id', ' + ')} = ${salt}`,
  '300 statements': (salt) =>
    list(300, (i) => `select from ${table(i)} where population = ${salt + i}`, '; '),
  'comments that nest 2,000 times': (salt) =>
    `select ${'/*'.repeat(2_000)}${'*/'.repeat(2_000)} from ${one} where id = ${salt}`,
  'comments that nest 30,000 times': (salt) =>
    `select ${'/*'.repeat(30_000)}${'*/'.repeat(30_000)} from ${one} where id = ${salt}`,
  '90 comments with a row of stars': (salt) =>
    `select ${`/*${'*'.repeat(900)}*/ `.repeat(90)} from ${one} where id = ${salt}`,
  '100,000 signs in a row': (salt) => `select ${'+'.repeat(100_000)} id from ${one} where id = ${salt}`,
  '990 signs in a row, often': (salt) =>
    `select ${list(100, () => `${'+'.repeat(990)} id`, ', ')} from ${one} where id = ${salt}`,
  'quotes that do not close': (salt) => `select '${`a "b ${salt} `.repeat(3_000)} from ${one}`,
  dollars: (salt) => `select ${'$a'.repeat(20_000)} ${salt} from ${one}`,
  'blanks, 1 MB': (salt) => `select${' '.repeat(1_000_000)}from ${one} where id = ${salt}`,
};
