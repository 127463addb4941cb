import { and, asc, count, desc, eq, gt, like, relations, sql, sum } from 'drizzle-orm';
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import {
  alias,
  bigint,
  date,
  doublePrecision,
  integer,
  jsonb,
  numeric,
  pgTable,
  text,
  timestamp,
} from 'drizzle-orm/pg-core';
import { Pool } from 'pg';
import { type ConnectionOptions } from '../../support/postgres-server';
import { describeVersions } from '../../support/postgres-versions';
import { ProxiedDatabase } from '../../support/proxied-database';
import { shownError } from '../../support/shown-error';

const place = pgTable('place', {
  id: integer('id').primaryKey(),
  regionId: integer('region_id').notNull(),
  name: text('name').notNull(),
  population: bigint('population', { mode: 'bigint' }).notNull(),
  area: numeric('area', { precision: 12, scale: 3 }),
  founded: date('founded'),
  seen: timestamp('seen', { withTimezone: true }).notNull(),
  tags: text('tags').array().notNull(),
  info: jsonb('info'),
});
const visit = pgTable('visit', {
  id: integer('id').primaryKey(),
  placeId: integer('place_id'),
  regionId: integer('region_id').notNull(),
  rating: doublePrecision('rating'),
  at: timestamp('at'),
});
const note = pgTable('note', {
  id: integer('id').generatedAlwaysAsIdentity().primaryKey(),
  text: text('text').unique(),
  amount: integer('amount'),
});
const schema = {
  place,
  visit,
  note,
  placeRelations: relations(place, ({ many }) => ({ visits: many(visit) })),
  visitRelations: relations(visit, ({ one }) => ({
    place: one(place, { fields: [visit.placeId, visit.regionId], references: [place.id, place.regionId] }),
  })),
};
type Database = NodePgDatabase<typeof schema>;

async function withDrizzle<T>(connection: ConnectionOptions, use: (db: Database) => Promise<T>): Promise<T> {
  const pool = new Pool({ ...connection, max: 2 });
  try {
    return await use(drizzle(pool, { schema }));
  } finally {
    await pool.end();
  }
}

describeVersions('drizzle-orm', (binaries) => {
  let database: ProxiedDatabase;

  beforeAll(async () => {
    database = await ProxiedDatabase.start({ binaries });
  });

  afterAll(() => database?.[Symbol.asyncDispose]());

  test('selects, joins, aggregates, sub-queries', () =>
    database.expectSame(
      (connection) =>
        withDrizzle(connection, async (db) => {
          const other = alias(place, 'other');
          const romans = db.$with('romans').as(db.select().from(place).where(eq(place.name, 'Rome')));
          const results = [
            await db.select().from(place).where(eq(place.name, 'Rome')).orderBy(asc(place.id)),
            await db
              .select({ id: place.id, rating: visit.rating, at: visit.at })
              .from(place)
              .innerJoin(visit, and(eq(place.regionId, visit.regionId), eq(visit.placeId, place.id)))
              .where(and(like(place.name, 'Rom%'), gt(place.id, 20_000)))
              .orderBy(desc(place.id)),
            await db
              .select({ region: place.regionId, count: count(), sum: sum(place.area) })
              .from(place)
              .where(eq(place.name, 'Rome'))
              .groupBy(place.regionId)
              .orderBy(place.regionId),
            await db
              .select({ a: place.id, b: other.id })
              .from(place)
              .leftJoin(other, and(eq(place.regionId, other.regionId), eq(other.name, 'Nowhere')))
              .where(eq(place.name, 'Rome'))
              .orderBy(place.id)
              .limit(3)
              .offset(2),
            await db.with(romans).select({ id: romans.id }).from(romans).orderBy(romans.id),
          ];
          expect(results.map(({ length }) => length)).toEqual([9, 8, 9, 3, 9]);
          return results;
        }),
      { hits: 3 },
    ));

  test('relational queries', () =>
    database.expectSame(
      (connection) =>
        withDrizzle(connection, async (db) => [
          await db.query.place.findMany({
            where: eq(place.name, 'Rome'),
            orderBy: place.id,
            columns: { id: true, info: true },
            extras: { upper: sql<string>`upper(${place.name})`.as('upper') },
          }),
          await db.query.place.findFirst({ where: eq(place.name, 'Rome'), orderBy: place.id }),
          await db.query.visit.findMany({
            where: and(eq(visit.regionId, 100), eq(visit.placeId, 10_007)),
            with: { place: true },
          }),
        ]),
      { hits: 1 },
    ));

  test('prepared statements, with placeholders', () =>
    database.expectSame(
      (connection) =>
        withDrizzle(connection, async (db) => {
          const byName = db
            .select()
            .from(place)
            .where(eq(place.name, sql.placeholder('name')))
            .orderBy(place.id)
            .prepare('by_name');
          const results = [];
          for (const name of ['Rome', 'Ü€😀', 'Nowhere', 'Rome'])
            results.push(await byName.execute({ name }));
          return results;
        }),
      { hits: 4 },
    ));

  test('transactions, nested ones, and what is written in them', () =>
    database.expectSame(
      (connection) =>
        withDrizzle(connection, async (db) => {
          const romans = (tx: Pick<Database, 'select'>) =>
            tx.select({ id: place.id }).from(place).where(eq(place.name, 'Rome')).orderBy(place.id);
          const seen: unknown[] = [await romans(db)];
          await db
            .transaction(
              async (tx) => {
                seen.push(await romans(tx));
                seen.push(
                  await tx.insert(note).values({ text: 'a', amount: 1 }).returning({ text: note.text }),
                );
                seen.push(
                  await tx
                    .insert(note)
                    .values({ text: 'a', amount: 2 })
                    .onConflictDoUpdate({ target: note.text, set: { amount: sql`excluded.amount` } })
                    .returning({ amount: note.amount }),
                );
                const failed = await shownError(
                  tx.transaction(async (nested) => {
                    await nested.execute(sql`select id / (id - id) from place where name = ${'Rome'}`);
                  }),
                );
                seen.push(failed['message'], await romans(tx));
                seen.push((await tx.delete(note).where(eq(note.text, 'a'))).rowCount);
                tx.rollback();
              },
              { isolationLevel: 'repeatable read' },
            )
            .catch((error: unknown) => seen.push(String(error)));
          return seen;
        }),
      { hits: 3 },
    ));

  test('nothing was logged, nothing given up', async () => expect(await database.trouble()).toEqual([]));
});
