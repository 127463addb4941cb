/** Tables of the largest statement. */
export const maxTables = 8;

export function tableName(number: number): string {
  return `place_${number}`;
}

/** Empty tables: what is measured does not look at rows. */
export const schema = Array.from(
  { length: maxTables },
  (_, i) =>
    `create table ${tableName(i)} (id int primary key, region_id int not null, kind text, population int);`,
).join('\n');

/**
 * A statement over some tables that are joined on the partition key, with a condition on each and one between neighbours.
 *
 * @param population the constant of the first table's condition, which fragments are learned from
 * @param other a constant of the other conditions
 */
export function statement(tables: number, population: number, other: number): string {
  const numbers = Array.from({ length: tables }, (_, i) => i);
  const conditions = numbers.flatMap((i) => [
    i === 0 ? `t0.population < ${population}` : `t${i}.population > ${other + i}`,
    ...(i === 0
      ? [`t0.id <> ${other}`]
      : [`t${i - 1}.region_id = t${i}.region_id`, `t${i - 1}.kind <> t${i}.kind`]),
  ]);
  const from = numbers.map((i) => `${tableName(i)} as t${i}`);
  return `select t0.id, count(*) from ${from.join(', ')} where ${conditions.join(' and ')} group by t0.id`;
}

/** What fragments are learned from: the first table's condition alone. */
export function learnedStatement(population: number): string {
  return `select count(*) from ${tableName(0)} where population < ${population}`;
}

/** A form none of whose conditions is in any fragment. */
export function unknownStatement(tables: number, population: number): string {
  return statement(tables, population, 0)
    .replaceAll('population <', 'population >=')
    .replaceAll('population >', 'population <=');
}
