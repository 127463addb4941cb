import { Client } from 'pg';
import { openPool, type ControlPool } from '../../../src/postgres/control-pool';
import { VerifierQuery } from '../../../src/postgres/verifier-query';
import { freePort } from '../../support/free-port';
import {
  hasPostgresBinaries,
  startPostgres,
  type PostgresBinaries,
  type PostgresServer,
} from '../../support/postgres-server';
import { until } from '../../support/until';

const versions = (['embedded', 'debian15'] as const).filter((binaries) => hasPostgresBinaries(binaries));
const never = new AbortController().signal;
const longName = 'l'.repeat(63);
const names = ['simple', `o"brien's`, '100% $1 role', 'zoë 雪', `x'; drop role simple; --`, longName];

describe.each(versions)('VerifierQuery on PostgreSQL (%s)', (binaries: PostgresBinaries) => {
  let server: PostgresServer;
  let admin: Client;
  let own: ControlPool;
  let weak: ControlPool;

  beforeAll(async () => {
    server = await startPostgres({ binaries });
    admin = new Client(server.connectionOptions('postgres'));
    await admin.connect();
    for (const name of names) {
      await admin.query(`create role ${admin.escapeIdentifier(name)} login password 'secret'`);
    }
    await admin.query(`
      create role expired login password 'secret' valid until '2001-01-01';
      create role endless login password 'secret' valid until 'infinity';
      create role passwordless login;
      create role pcache login password 'sesame';
      create function public.verifier_of(role text, out name text, out verifier text)
        language sql security definer set search_path = pg_catalog, pg_temp
        as 'select rolname, rolpassword from pg_authid where rolname = role';
      revoke all on function public.verifier_of(text) from public;
      grant execute on function public.verifier_of(text) to pcache;
      -- What a role that may set its own settings, or fill a schema, could put in the way.
      create schema evil authorization pcache;
      create function evil.verifier_of(text) returns table (name text, verifier text)
        language sql as 'select ''evil'', ''evil''';
      create function evil.same(name, name) returns boolean language sql as 'select true';
      create operator evil.= (leftarg = name, rightarg = name, function = evil.same);
      create view evil.pg_authid as select 'evil'::name as rolname;
      alter role pcache set search_path = evil, pg_catalog, public;
      alter role postgres set search_path = evil, pg_catalog, public;
    `);
    await admin.query(`create database latin encoding 'LATIN1' locale 'C' template template0`);
    own = openPool({ ...server.connectionOptions('postgres'), maxConnections: 2 });
    weak = openPool({ ...server.connectionOptions('postgres'), user: 'pcache', password: 'sesame' });
  });

  afterAll(async () => {
    await admin?.end();
    await own?.[Symbol.asyncDispose]();
    await weak?.[Symbol.asyncDispose]();
    await server?.stop();
  });

  async function stored(name: string): Promise<string> {
    const { rows } = await admin.query(
      'select rolpassword as a from pg_catalog.pg_authid where rolname operator(pg_catalog.=) $1::text',
      [name],
    );
    return rows[0].a;
  }

  test.each([...names, 'endless'])('pg_authid: the verifier of %s', async (name) => {
    const verifier = await new VerifierQuery(own).find(name, never);
    expect(verifier).toMatch(/^SCRAM-SHA-256\$/);
    expect(verifier).toBe(await stored(name));
  });

  test('pg_authid: a name that is too long means what it means to a server that cuts it', async () => {
    expect(await new VerifierQuery(own).find(`${longName}more`, never)).toBe(await stored(longName));
  });

  test.each(['nobody', '', 'expired', 'passwordless'])('pg_authid: nothing for %s', async (name) => {
    expect(await new VerifierQuery(own).find(name, never)).toBeUndefined();
  });

  test('pg_authid: a changed password is seen at once', async () => {
    const query = new VerifierQuery(own);
    const before = await query.find('endless', never);
    await admin.query(`alter role endless password 'another'`);
    const after = await query.find('endless', never);
    expect(after).not.toBe(before);
    await admin.query(`alter role endless valid until '2001-01-01'`);
    expect(await query.find('endless', never)).toBeUndefined();
    await admin.query(`alter role endless valid until 'infinity'`);
  });

  test('refuses: a role that may not read pg_authid', async () => {
    await expect(new VerifierQuery(weak).find('simple', never)).rejects.toMatchObject({
      name: 'ControlQueryError',
      sqlState: '42501',
    });
  });

  test('a function of the role that owns the secrets, asked by one that does not see them', async () => {
    const query = new VerifierQuery(weak, 'select * from public.verifier_of($1)');
    for (const name of names) expect(await query.find(name, never)).toBe(await stored(name));
    expect(await query.find('nobody', never)).toBeUndefined();
  });

  test('a name without schema is not looked for where the settings of the role say', async () => {
    const query = new VerifierQuery(weak, 'select * from verifier_of($1)');
    await expect(query.find('simple', never)).rejects.toMatchObject({ sqlState: '42883' });
  });

  test.each([
    ['one column', 'select $1::text', /two columns of different names/],
    ['three columns', 'select $1::text as a, 2 as b, 3 as c', /two columns of different names/],
    ['two columns of one name', 'select $1::text as a, 2 as a', /two columns of different names/],
    ['two rows', `select $1::text as a, 'b' as b union all select 'c', 'd'`, /more than one row/],
    ['a number', 'select $1::text as a, 2 as b', /has to be a text/],
    ['two statements', 'select $1::text as a; select 2', /cannot insert multiple commands/],
    ['an error', 'select $1::text as a, 1 / 0 as b', /division by zero/],
  ])('refuses: a query that answers with %s', async (_title, text, message) => {
    await expect(new VerifierQuery(own, text).find('simple', never)).rejects.toThrow(message);
  });

  test('a query without an answer for a role: NULL, or no row', async () => {
    for (const text of [
      'select $1::text as a, null::text as b',
      'select $1::text as a, $1 as b where false',
    ]) {
      expect(await new VerifierQuery(own, text).find('simple', never)).toBeUndefined();
    }
  });

  test('a name the database cannot even spell is nobody’s', async () => {
    await using pool = openPool(server.connectionOptions('latin'));
    const query = new VerifierQuery(pool);
    expect(await query.find('雪', never)).toBeUndefined();
    expect(await query.find('simple', never)).toBe(await stored('simple'));
  });

  test('two questions at a time at most, however many are asked', async () => {
    const text = `select $1::text as a, case when pg_sleep(0.01) is null then '' else (
      select count(*)::text from pg_stat_activity
       where application_name = 'pcache' and usename = 'postgres' and datname = 'postgres') end as b`;
    const query = new VerifierQuery(own, text);
    const counts = await Promise.all(
      Array.from({ length: 20 }, () => query.find('simple', new AbortController().signal)),
    );
    expect(counts).toHaveLength(20);
    expect(Math.max(...counts.map(Number))).toBeLessThanOrEqual(2);
  });

  test('a question that lasts is given up with the signal, and canceled', async () => {
    const query = new VerifierQuery(own, `select $1::text as a, pg_sleep(63)::text as b`);
    await expect(query.find('simple', AbortSignal.timeout(200))).rejects.toMatchObject({
      name: 'TimeoutError',
    });
    const asleep = `select from pg_stat_activity where state = 'active' and query like '%sleep(63)%' and pid <> pg_backend_pid()`;
    await until('it is canceled', async () => (await admin.query(asleep)).rowCount === 0);
  });

  test('a connection that is lost over a question: it is asked once more, on another', async () => {
    await admin.query('create sequence attempts');
    const dying = (times: number): string =>
      `select $1::text as a, case when nextval('public.attempts') <= ${times}
         then pg_terminate_backend(pg_backend_pid())::text else 'found' end as b`;
    expect(await new VerifierQuery(own, dying(1)).find('simple', never)).toBe('found');
    await expect(new VerifierQuery(own, dying(1000)).find('simple', never)).rejects.toMatchObject({
      name: 'ControlConnectionError',
      reason: 'lost',
    });
    const { rows } = await admin.query('select last_value::int as a from attempts');
    expect(rows).toEqual([{ a: 4 }]);
  });

  test('refuses: a server that is not there', async () => {
    const port = await freePort();
    await using pool = openPool({ ...server.connectionOptions('postgres'), port });
    await expect(new VerifierQuery(pool).find('simple', never)).rejects.toMatchObject({
      name: 'ControlConnectionError',
      reason: 'unreachable',
    });
  });
});
