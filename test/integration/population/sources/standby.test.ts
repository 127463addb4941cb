import { Client } from 'pg';
import { createKeySet } from '../../../../src/cache/key-sets/create-key-set';
import type { FragmentOutcome } from '../../../../src/population/fragment-source';
import { FollowedPrimary } from '../../../../src/population/sources/followed-primary';
import { PostgresqlSource } from '../../../../src/population/sources/postgresql';
import { type ControlPool, openPool } from '../../../../src/postgres/control-pool';
import { quoteArray } from '../../../../src/query/ast/quote';
import type { Fragment } from '../../../../src/query/fragment/fragment';
import { makeFragment } from '../../../support/make-fragment';
import { findPostgresProgram, type PostgresServer, startPostgres } from '../../../support/postgres-server';
import { describeVersions, describeWith } from '../../../support/postgres-versions';
import { startStandby, type StandbyServer } from '../../../support/standby-server';
import { TrackedDatabase, trackingSchemaName } from '../../../support/tracked-database';
import { until } from '../../../support/until';

const never = new AbortController().signal;
const place = { 'public.place': 'region_id' };
const wanted = 'population > 190';
const fragment: Fragment = makeFragment(
  `select distinct t1.region_id from public.place as t1 where t1.${wanted}`,
);

type Ok = Extract<FragmentOutcome, { readonly status: 'ok' }>;

describeWith('a standby as a source', findPostgresProgram('pg_basebackup'), (program) =>
  describeVersions(
    'a standby as a source',
    (binaries) => {
      let server: PostgresServer;
      let standby: StandbyServer;
      let primary: TrackedDatabase;
      let onStandby: Client;
      let standbyPool: ControlPool;

      beforeAll(async () => {
        server = await startPostgres({ binaries });
        primary = await TrackedDatabase.open(
          server,
          `create table place (id int primary key, region_id int, population int);
           insert into place select i, i % 20, i from generate_series(1, 200) i;`,
        );
        await primary.track(place);
        standby = await startStandby(server, program);
        const connection = { ...primary.connection, port: standby.port };
        onStandby = new Client(connection);
        await onStandby.connect();
        standbyPool = openPool({ ...connection, maxConnections: 2 });
      });
      afterAll(async () => {
        await onStandby?.end();
        await standbyPool?.[Symbol.asyncDispose]();
        await primary?.[Symbol.asyncDispose]();
        await standby?.[Symbol.asyncDispose]();
        await server?.stop();
      });

      const source = ({
        pool = standbyPool,
        primaryPool = primary.pool,
        isExact = true,
        timeoutMs = 30_000,
      } = {}): PostgresqlSource => {
        const changeLogOf = (): string | undefined => (isExact ? trackingSchemaName : undefined);
        const followed = new FollowedPrimary({ pool: primaryPool, changeLogOf });
        return new PostgresqlSource({ pool, timeoutMs, maxKeys: 1_000, changeLogOf, primary: followed });
      };
      const ok = async (running: Promise<FragmentOutcome>): Promise<Ok> => {
        const outcome = await running;
        if (outcome.status !== 'ok') throw new Error(JSON.stringify(outcome));
        return outcome;
      };
      /** Whether a statement on the primary gives the same rows with the entry as without, and how many regions the entry lets through. */
      const look = async (
        client: Client,
        { keys, snapshot = '', origin }: Ok,
      ): Promise<{ same: boolean; passing: number }> => {
        if (origin === undefined) throw new Error('no origin');
        const { rows: versions } = await client.query(
          'select last_value::text as version from pcache.catalog_version',
        );
        const stamp = {
          ...origin,
          seen: snapshot,
          known: snapshot,
          walPosition: null,
          version: versions[0].version as string,
        };
        const set = createKeySet('integer', keys);
        const array = primary.freshKeys(quoteArray(set.values(), 'integer', 'int4'), 'int4', stamp, {
          table: 'public.place',
          column: 'region_id',
        });
        const { rows } = await client.query(
          `select (select array_agg(id order by id) from place where ${wanted})
                  is not distinct from
                  (select array_agg(id order by id) from place where ${wanted} and (region_id = any (${array}) or region_id is null)) as same,
                  (select count(distinct region_id)::int from place where region_id = any (${array})) as passing`,
        );
        return rows[0];
      };
      const begun = async (): Promise<Client> => {
        const client = await primary.connect();
        await client.query('begin isolation level repeatable read; select count(*) from place');
        return client;
      };
      /** Replay stops, a run takes its stamp and waits, something happens on the primary, and replay goes on. */
      const during = async (act: () => Promise<void>): Promise<FragmentOutcome> => {
        await onStandby.query('select pg_wal_replay_pause()');
        // Until then it is only asked for, and what follows may still be replayed.
        await until('replay has stopped', async () => {
          const { rows } = await onStandby.query('select pg_get_wal_replay_pause_state() as state');
          return rows[0].state === 'paused';
        });
        // Something to be waited for.
        await primary.client.query('insert into place values (0, 0, 0); delete from place where id = 0');
        const { rows: clock } = await onStandby.query('select clock_timestamp()::text as now');
        const running = source().run(fragment, never);
        await until('the run waits for the standby', async () => {
          const { rows } = await onStandby.query(
            `select count(*)::int as n from pg_stat_activity where query like '%pg_last_wal_replay_lsn() >=%' and query_start > $1::timestamptz and pid <> pg_backend_pid()`,
            [clock[0].now],
          );
          return rows[0].n > 0;
        });
        await act();
        await onStandby.query('select pg_wal_replay_resume()');
        return running;
      };

      test('an entry made on it holds on the primary, and keeps up with it', async () => {
        const entry = await ok(source().run(fragment, never));
        expect(entry.keys).toHaveLength(10);
        expect(await look(primary.client, entry)).toEqual({ same: true, passing: 10 });
        await primary.client.query('update place set population = 500 where id = 1');
        expect(await look(primary.client, entry)).toEqual({ same: true, passing: 11 });
        const later = await ok(source().run(fragment, never));
        expect(later.keys).toHaveLength(11);
        expect(await look(primary.client, later)).toEqual({ same: true, passing: 11 });
      });

      test('the run was on the standby', async () => {
        const onlyThere = makeFragment(`select 7 from public.place as t1 where pg_is_in_recovery()`);
        expect((await ok(source().run(onlyThere, never))).keys).toEqual([7n]);
      });

      test('a snapshot of the primary that is older than what the standby sees does not lose a key', async () => {
        let between: Client | undefined;
        const outcome = await during(async () => {
          between = await begun();
          // The standby will see that region 19 is out of it, and this client does not.
          await primary.client.query('update place set population = 0 where id = 199');
        });
        const entry = await ok(Promise.resolve(outcome));
        expect(entry.keys).toContain(19n);
        if (between === undefined) throw new Error('no client');
        expect(await look(between, entry)).toMatchObject({ same: true });
        await between.end();
        expect(await look(primary.client, entry)).toMatchObject({ same: true });
      });

      test('one that is older than the stamp lets every key through', async () => {
        const old = await begun();
        await primary.client.query('update place set population = 0 where id = 198');
        const entry = await ok(source().run(fragment, never));
        expect(entry.keys).not.toContain(18n);
        expect(await look(old, entry)).toEqual({ same: true, passing: 20 });
        await old.end();
        expect((await look(primary.client, entry)).passing).toBeLessThan(20);
      });

      test('a change of everything in between leaves no entry', async () => {
        const outcome = await during(async () => {
          await primary.client.query(
            'create table kept as select * from place; truncate place; insert into place select * from kept',
          );
        });
        expect(outcome).toMatchObject({ status: 'unavailable', hasStarted: false });
        const entry = await ok(source().run(fragment, never));
        expect(await look(primary.client, entry)).toMatchObject({ same: true });
      });

      test('while others write, every entry holds for every snapshot', async () => {
        let isOver = false;
        const writing = (async () => {
          const writer = await primary.connect();
          for (let i = 0; !isOver; i++) {
            const id = 1 + ((i * 7919) % 200);
            await writer.query(
              `update place set population = (population + 97 * ${i}) % 260, region_id = nullif((region_id + ${i}) % 20, 3) where id = ${id}`,
            );
          }
          await writer.end();
        })();
        try {
          for (let round = 0; round < 12; round++) {
            const before = await begun();
            const running = ok(source().run(fragment, never));
            const meanwhile = await begun();
            const entry = await running;
            for (const client of [before, meanwhile, primary.client])
              expect(await look(client, entry)).toMatchObject({ same: true });
            await before.end();
            await meanwhile.end();
          }
        } finally {
          isOver = true;
          await writing;
        }
      });

      test('a key whose data is promised not to change: rows that were just written are seen', async () => {
        for (let i = 0; i < 5; i++) {
          await primary.client.query(`insert into place values (${1_000 + i}, ${100 + i}, 1000)`);
          const entry = await ok(source({ isExact: false }).run(fragment, never));
          expect(entry.keys).toContain(BigInt(100 + i));
          expect(entry.origin).toBeUndefined();
        }
      });

      test('refuses: what is no standby, or not of this primary, or does not say what it follows', async () => {
        const unavailable = (error: string): object => ({
          status: 'unavailable',
          hasStarted: false,
          error: expect.stringContaining(error),
        });
        expect(await source({ pool: primary.pool }).run(fragment, never)).toMatchObject(
          unavailable('no standby'),
        );
        expect(await source({ primaryPool: standbyPool, isExact: false }).run(fragment, never)).toMatchObject(
          unavailable('not to the primary'),
        );
        // Of another version: servers of one version are made from the same cluster in tests.
        await using other = await startPostgres();
        await using otherPool = openPool(other.connectionOptions('postgres'));
        expect(await source({ primaryPool: otherPool, isExact: false }).run(fragment, never)).toMatchObject(
          unavailable('another server'),
        );
        await primary.client.query(
          `create role populating login password 'secret'; grant select on place to populating`,
        );
        const { rows } = await primary.client.query('select pg_current_wal_insert_lsn()::text as lsn');
        await until('the role is there', async () => {
          const answer = await onStandby.query('select pg_last_wal_replay_lsn() >= $1::pg_lsn as is_done', [
            rows[0].lsn,
          ]);
          return answer.rows[0].is_done as boolean;
        });
        const login = { ...primary.connection, user: 'populating', password: 'secret' };
        await using ofRole = openPool({ ...login, port: standby.port });
        await using onPrimary = openPool(login);
        const asRole = source({ pool: ofRole, primaryPool: onPrimary, isExact: false });
        expect(await asRole.run(fragment, never)).toMatchObject(unavailable('pg_read_all_stats'));
        await primary.client.query('grant pg_read_all_stats to populating');
        await until('the grant is there', async () => (await asRole.run(fragment, never)).status === 'ok');
      });

      test('refuses: a standby that does not keep up, and gives the connection back', async () => {
        await onStandby.query('select pg_wal_replay_pause()');
        // Until then it is only asked for, and what follows may still be replayed.
        await until('replay has stopped', async () => {
          const { rows } = await onStandby.query('select pg_get_wal_replay_pause_state() as state');
          return rows[0].state === 'paused';
        });
        await primary.client.query('update place set population = 1 where id = 1');
        const outcome = await source({ timeoutMs: 300 }).run(fragment, never);
        await onStandby.query('select pg_wal_replay_resume()');
        expect(outcome).toMatchObject({
          status: 'unavailable',
          error: 'the standby is behind',
          hasStarted: false,
        });
        expect((await ok(source().run(fragment, never))).status).toBe('ok');
      });
    },
    ['debian15'],
  ),
);
