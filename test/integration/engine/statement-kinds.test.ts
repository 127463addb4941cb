import type { QueryResult } from 'pg';
import { multiset } from '../../support/engine-harness';
import { regionKey, regionSchema, RuleBench, trackedKey } from '../../support/rule-bench';
import { encodeQuery } from '../../../src/wire/frontend/query';
import { transcript, WireClient } from '../../support/wire-client';

const schema = `${regionSchema}
  create table copied (id int primary key, name text default 'none', n serial);
  create table kept (id int);
  create function noisy() returns int volatile language sql as $$ select 1 $$;
  analyze;
`;

/** The query most statements here are made of: restricted to few regions, and it cannot raise. */
const query = `select id, kind from place where population < 20`;
/** The same of a join, which a cursor cannot go back in under any plan. */
const joined = `select p.id, r.name from place p join region r using (region_id) where p.population < 20`;
const grouped = `select kind, max(id) from place where population < 20 group by kind`;
const raising = `select id, kind from place where 1000 / (population + 1) > 60`;

describe('statement kinds', () => {
  let bench: RuleBench;

  beforeAll(async () => {
    bench = await RuleBench.open(
      [regionKey, trackedKey('other', 'integer', { 'public.kept': 'id' })],
      schema,
      {
        hba: ['host all all 127.0.0.1/32 trust'],
      },
    );
    await bench.harness.learn(query);
    await bench.harness.learn(raising);
  });

  afterAll(async () => {
    await bench[Symbol.asyncDispose]();
  });

  test.each([
    [query, true],
    [`create table made as ${query}`, true],
    [`insert into copied ${query}`, false],
    [`explain analyze insert into copied ${query}`, false],
    [`${query}; ${query}`, false],
  ])(
    'whether it may be run a second time when the server did not take the first: %s, %s',
    async (text, may) => {
      await bench.harness.learn(text);
      expect(await bench.harness.plan(text)).toMatchObject({ kind: 'rewrite', mayRunTwice: may });
    },
  );

  /** What a text does, seen through `look` before it is taken back. */
  async function effect(text: string, look: string): Promise<object> {
    const { client } = bench.harness;
    await client.query('begin');
    try {
      const { command, rowCount } = await client.query(text);
      const seen = multiset(await bench.harness.run(look));
      expect(seen).not.toEqual([]);
      return { command, rowCount, seen };
    } finally {
      await client.query('rollback');
    }
  }

  async function wireTranscript(text: string): Promise<readonly string[]> {
    const client = await WireClient.login(bench.server.port, {
      user: bench.server.user,
      database: bench.database,
    });
    client.send(encodeQuery({ query: text }));
    const lines = transcript(await client.until('Z'));
    client.close();
    return lines;
  }

  describe('applies: what it does, it does with the same rows', () => {
    test.each([
      ['INSERT … SELECT', `insert into copied ${query}`, 'select id, name from copied'],
      [
        'INSERT … SELECT with columns',
        `insert into copied (name, id) select kind, id from place where population < 20`,
        'select id, name from copied',
      ],
      [
        'INSERT … (SELECT)',
        `insert into copied (name, id) (select kind, id from place where population < 20)`,
        'select id, name from copied',
      ],
      [
        'WITH … INSERT',
        `with q as (${query}) insert into copied as c select * from q on conflict (id) do update set name = c.name || 'x'`,
        'select id, name from copied',
      ],
      [
        'INSERT … WITH … RETURNING',
        `insert into copied with q as (${query}) select id from q returning id, name || 'k1'`,
        'select id, name from copied',
      ],
      [
        'INSERT … VALUES with a sub-select',
        `insert into copied values (1, (select min(kind) from place where population < 20))`,
        'select id, name from copied',
      ],
      ['CREATE TABLE AS', `create table made as ${query}`, 'select * from made'],
      [
        'CREATE TABLE AS with everything',
        `create unlogged table if not exists made (a, b) with (fillfactor = 70) as (${query}) with data`,
        'select a, b from made',
      ],
      [
        'CREATE TEMPORARY TABLE AS',
        `create temp table made on commit drop as ${query}`,
        'select * from made',
      ],
      ['SELECT INTO', `select id, kind into made from place where population < 20`, 'select * from made'],
      [
        'SELECT INTO of a union',
        `select id, kind into temporary table made from place where population < 20 union select 1, 'x'`,
        'select * from made',
      ],
      ['DECLARE CURSOR', `declare c cursor for ${joined}`, 'fetch all from c'],
      ['DECLARE CURSOR of groups', `declare c cursor with hold for ${grouped}`, 'fetch all from c'],
      [
        'DECLARE CURSOR that can go back',
        `declare c scroll cursor for ${joined} order by id`,
        'fetch absolute -2 from c',
      ],
      [
        'DECLARE CURSOR with everything',
        `declare "for" binary insensitive no scroll cursor with hold for ${grouped}`,
        'fetch all from "for"',
      ],
    ])('%s', async (_title, text, look) => {
      const plan = await bench.harness.plan(text);
      expect(plan).toMatchObject({ kind: 'rewrite', mustRetryOnError: false });
      if (plan.kind !== 'rewrite') return;
      const direct = await effect(text, look);
      expect(await effect(plan.text, look)).toEqual(direct);
    });

    test.each([
      ['COPY (SELECT) TO STDOUT', `copy (${query} order by id) to stdout`],
      [
        'COPY with options',
        `copy (select id, kind from place where population < 20 order by id) to stdout with (format csv, header, delimiter ';')`,
      ],
      ['EXPLAIN', `explain (costs off) ${query}`],
    ])('%s', async (_title, text) => {
      const plan = await bench.restricted(text);
      const [direct, restricted] = [await wireTranscript(text), await wireTranscript(plan.text)];
      if (text.startsWith('copy')) expect(restricted).toEqual(direct);
      expect(restricted.length).toBeGreaterThan(3);
    });

    test('EXPLAIN shows the plan of the restricted form', async () => {
      for (const options of [
        '',
        'analyze',
        'verbose',
        'analyze verbose',
        '(format text, costs off)',
        '(analyze)',
      ]) {
        const plan = await bench.restricted(`explain ${options} ${query}`);
        expect((await wireTranscript(plan.text)).join()).toMatch(/region_id = ANY/);
      }
    });

    test('EXPLAIN of what is restricted itself', async () => {
      await bench.restricted(`explain insert into copied ${query}`);
      await bench.restricted(`explain analyze create table made as ${query}`);
      await bench.restricted(`explain declare c cursor for ${query}`);
    });
  });

  describe('applies: a query that may raise, where it can be run again', () => {
    test.each([
      ['CREATE TABLE AS', `create table made as ${raising}`],
      ['COPY', `copy (${raising}) to stdout`],
      ['EXPLAIN ANALYZE', `explain analyze ${raising}`],
      ['EXPLAIN of an INSERT', `explain insert into copied ${raising}`],
    ])('%s', async (_title, text) => {
      expect(await bench.harness.plan(text)).toMatchObject({ kind: 'rewrite', mustRetryOnError: true });
      expect(await bench.harness.plan(text, undefined, false)).toMatchObject({
        kind: 'forward',
        reason: 'may raise an error',
      });
    });
  });

  describe('refuses', () => {
    // PostgreSQL takes an INSERT back, but not the values of the sequence.
    test.each([
      ['INSERT of what may raise', `insert into copied ${raising}`, 'may raise an error'],
      ['the same in EXPLAIN ANALYZE', `explain analyze insert into copied ${raising}`, 'may raise an error'],
      [
        'INSERT into a tracked table',
        `insert into kept select id from place where population < 20`,
        'writes a tracked table',
      ],
      [
        'INSERT with a volatile function',
        `insert into copied select id + noisy() from place where population < 20`,
        'volatile function',
      ],
      ['one in RETURNING', `insert into copied ${query} returning noisy()`, 'volatile function'],
      [
        'INSERT behind a data-modifying CTE',
        `with d as (delete from note returning id) insert into copied ${query}`,
        'data-modifying CTE',
      ],
      [
        'INSERT behind a recursive CTE',
        `with recursive r as (select 1 union select 2) insert into copied ${query}`,
        'recursive CTE',
      ],
      // With another plan, these might not go back, or be no scan of one table to an UPDATE … WHERE CURRENT OF.
      ['a cursor over one table', `declare c cursor for ${query}`, 'simple cursor'],
      ['the same with SCROLL', `declare c scroll cursor for ${query}`, 'simple cursor'],
      ['a cursor that is sorted', `declare c cursor for ${joined} order by id`, 'simple cursor'],
      [
        'a cursor over two tables, one by one',
        `declare c cursor for ${query} union all ${query}`,
        'simple cursor',
      ],
      [
        'a cursor whose join the planner may remove',
        `declare c cursor for select p.id from place p join place q using (id, region_id) where p.population < 20`,
        'simple cursor',
      ],
      ['FOR UPDATE in a cursor', `declare c cursor for ${query} for update`, 'locking clause'],
      ['CREATE MATERIALIZED VIEW', `create materialized view made as ${query}`, 'not a candidate'],
      ['CREATE VIEW', `create view made as ${query}`, 'not a candidate'],
      ['CREATE TABLE AS … WITH NO DATA', `create table made as ${query} with no data`, 'not a candidate'],
      ['CREATE RULE', `create rule r as on insert to copied do also ${query}`, 'not a candidate'],
      [
        'a function in SQL',
        `create function f() returns bigint begin atomic select count(*) from place where population < 20; end`,
        'not a candidate',
      ],
      ['PREPARE', `prepare p as ${query}`, 'not a candidate'],
      [
        'UPDATE',
        `update note set weight = 1 where place_id in (select id from place where population < 20)`,
        'not a candidate',
      ],
      [
        'DELETE',
        `delete from note using place where population < 20 and place_id = place.id`,
        'not a candidate',
      ],
      [
        'MERGE',
        `merge into copied using (${query}) q on copied.id = q.id when matched then do nothing`,
        'not a candidate',
      ],
      ['COPY to a program', `copy (${query}) to program 'cat'`, 'not a candidate'],
      ['COPY of a table', `copy place to stdout`, 'not a candidate'],
      ['EXPLAIN of an UPDATE', `explain update place set id = 1 where population < 20`, 'not a candidate'],
      ['TABLE', `table place`, 'no partition key'],
    ])('%s', async (_title, text, reason) => {
      await bench.refuses(text, reason);
    });

    test('no definition ever holds keys', async () => {
      const definitions = [`create view made as ${query}`, `create materialized view made as ${query}`];
      for (const text of definitions) expect(bench.harness.engine.inspect(text).isCandidate).toBe(false);
    });
  });

  describe('several statements in one text', () => {
    const results = async (text: string): Promise<unknown> => {
      const found = (await bench.harness.run(text)) as unknown as
        QueryResult<unknown[]> | QueryResult<unknown[]>[];
      return [found].flat().map((result) => [result.command, result.rowCount, multiset(result)]);
    };
    const restrictions = (text: string): number => text.split('OPERATOR(pg_catalog.=) ANY').length - 1;

    test.each([
      ['each is restricted', `${query}; select max(id) from place where population < 20;`, 2],
      ['beside others', `select 1; ${query}; select 2`, 1],
      ['behind BEGIN', `begin; ${query}; commit`, 1],
      ['behind SAVEPOINT', `begin; savepoint s; ${query}; rollback`, 1],
      ['what may raise is left as it is', `${query}; ${raising}`, 1],
      ['of several kinds', `explain ${query}; begin; declare c cursor for ${joined}; rollback`, 2],
      ['refuses: behind SET', `${query}; set work_mem = '5MB'; ${query}`, 1],
      ['refuses: behind a function', `${query}; select noisy(); ${query}`, 1],
      [
        'refuses: behind DDL',
        `begin; ${query}; create temp table place (id int, region_id int, population int, kind text); ${query}; rollback`,
        1,
      ],
      [
        'refuses: behind an INSERT, whose triggers may do anything',
        `begin; insert into copied ${query}; ${query}; rollback`,
        1,
      ],
      ['refuses: behind ROLLBACK', `${query}; rollback; ${query}`, 1],
      ['refuses: behind DO', `${query}; do $$ begin perform 1; end $$; ${query}`, 1],
    ])('%s', async (_title, text, expected) => {
      await bench.harness.learn(text);
      const plan = await bench.harness.plan(text, undefined, false);
      expect(plan.kind === 'rewrite' ? restrictions(plan.text) : plan).toBe(expected);
      if (plan.kind !== 'rewrite') return;
      expect(plan.mustRetryOnError).toBe(false);
      if (!text.includes('explain')) expect(await results(plan.text)).toEqual(await results(text));
    });

    test('refuses: nothing but what may raise', async () => {
      await bench.refuses(`${raising}; ${raising}`, 'may raise an error');
    });

    test('refuses: a statement that changes the search path for those behind it', async () => {
      await bench.define(`create schema odd; create table odd.place as select * from place where id < 0`);
      const text = `set local search_path = odd, public; ${query}`;
      await bench.refuses(text, 'not a candidate');
    });
  });
});
