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

/** Which tables a join condition is between, besides that all are joined on the partition key. */
export const shapes = {
  chain: (a: number, b: number) => b === a + 1,
  star: (a: number) => a === 0,
  clique: () => true,
} as const satisfies Record<string, (a: number, b: number) => boolean>;
export type Shape = keyof typeof shapes;

export interface StatementKind {
  readonly shape: Shape;
  readonly tables: number;
  /** Conditions on each table. */
  readonly conditions: number;
}

/**
 * A statement over some tables that are joined on the partition key.
 *
 * @param known the constant of the first table's condition, which fragments are learned from
 * @param other a constant of the other conditions
 * @param form part of the tables' aliases: another one makes another form of it, of the same meaning
 */
export function statement(
  { shape, tables, conditions }: StatementKind,
  known: number,
  other: number,
  form = 'a',
): string {
  const numbers = Array.from({ length: tables }, (_, i) => i);
  const alias = (i: number): string => `t${i}_${form}`;
  const isJoined = shapes[shape];
  const where = numbers.flatMap((b) => [
    b === 0 ? `${alias(0)}.population < ${known}` : `${alias(b)}.population > ${other + b}`,
    ...(conditions > 1 ? [`${alias(b)}.kind like 'k${b}%'`] : []),
    ...numbers
      .slice(0, b)
      .filter((a) => isJoined(a, b))
      .flatMap((a) => [
        `${alias(a)}.region_id = ${alias(b)}.region_id`,
        `${alias(a)}.kind <> ${alias(b)}.kind`,
      ]),
  ]);
  const from = numbers.map((i) => `${tableName(i)} as ${alias(i)}`);
  return `select ${alias(0)}.id, count(*) from ${from.join(', ')} where ${where.join(' and ')} group by ${alias(0)}.id`;
}

/** What fragments are learned from: the first table's condition alone. */
export function learnedStatement(population: number): string {
  return `select count(*) from ${tableName(0)} where population < ${population}`;
}

/** A form none of whose conditions is in any fragment. */
export function unknownStatement(kind: StatementKind, population: number): string {
  return statement(kind, population, 0)
    .replaceAll('population <', 'population >=')
    .replaceAll('population >', 'population <=');
}
