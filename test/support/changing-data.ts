import { Client } from 'pg';
import type { Random } from '../oracle/random';

/** Places called Rome, in every snapshot. */
export const romes = 9;
/** What is asked while they write. */
export const reads = [
  `select id, region_id from place where name = 'Rome'`,
  `select p.id, v.id, v.region_id from place p join visit v on v.region_id = p.region_id where p.name = 'Rome' and v.rating > 30000`,
  `select region_id, count(*) from visit where rating = 'Infinity' group by region_id`,
];

/**
 * The one number that no writer changes at a commit: how many places are called Rome. Where they are, and everything else, changes all the time;
 * some changes are taken back, some in part.
 */
export async function write(client: Client, random: Random): Promise<void> {
  const id = random.int(1, 100_000);
  const region = random.int(0, 1_000);
  await client.query('begin');
  await client.query('select pg_advisory_xact_lock(1)');
  switch (random.int(0, 4)) {
    case 0: {
      const moved = `update place set name = 'was Rome' where id = (select min(id) from place where name = 'Rome' and id > $1 % 50000) returning id`;
      const { rowCount } = await client.query(moved, [id]);
      const named = `update place set name = 'Rome' where id = (select min(id) from place where name <> 'Rome' and id >= $1) returning id`;
      if ((rowCount ?? 0) > 0) await client.query(named, [id]);
      break;
    }
    case 1:
      await client.query(`update place set region_id = $1 where name = 'Rome' and id % 3 = $2`, [
        region,
        id % 3,
      ]);
      break;
    case 2:
      await client.query('savepoint s');
      await client.query(`update place set name = 'Rome' where id between $1 and $1 + 20`, [id]);
      await client.query('rollback to savepoint s');
      await client.query(`update visit set rating = 'Infinity', region_id = $1 where id = $2`, [region, id]);
      break;
    case 3:
      await client.query('delete from visit where id = $1', [id]);
      await client.query(`insert into visit values ($1, $1, $2, 'Infinity', null) on conflict do nothing`, [
        id,
        region,
      ]);
      break;
    default:
      await client.query(`update visit set rating = 1 where rating = 'Infinity' and id % 7 = $1`, [id % 7]);
  }
  await client.query(random.chance(0.2) ? 'rollback' : 'commit');
}

/** A client that is ended with the block it is in. */
export async function connected(connection: object): Promise<{ client: Client } & AsyncDisposable> {
  const client = new Client(connection);
  await client.connect();
  return { client, [Symbol.asyncDispose]: () => client.end() };
}
