import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { makeCertificate, serverTlsSettings, type Certificate } from '../../support/certificates';
import { PcacheProcess } from '../../support/pcache-process';
import { startPostgres, type PostgresServer } from '../../support/postgres-server';
import { temporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory';

/** The whole program with auth.mode verify, TLS on both legs and a certificate of its own. */
describe('pcache proxy, auth.mode verify', () => {
  let directory: TemporaryDirectory;
  let own: Certificate;
  let server: PostgresServer;
  let admin: Client;

  beforeAll(async () => {
    directory = await temporaryDirectory('verify', { openToOthers: true });
    own = makeCertificate(directory.path, 'own');
    server = await startPostgres({ settings: serverTlsSettings(makeCertificate(directory.path, 'server')) });
    admin = new Client(server.connectionOptions('postgres'));
    await admin.connect();
    await admin.query(`
      create table place (region_id int);
      create role pcache login password 'sesame';
      create role one login password 'first';
      create role two login password 'second';
      create function public.verifier_of(role text, out name text, out verifier text)
        language sql security definer set search_path = pg_catalog, pg_temp
        as 'select rolname, rolpassword from pg_authid where rolname = role';
      revoke all on function public.verifier_of(text) from public;
      grant execute on function public.verifier_of(text) to pcache;
    `);
  });

  afterAll(async () => {
    await admin?.end();
    await server?.stop();
    await directory?.[Symbol.asyncDispose]();
  });

  const databases = `databases:
  postgres:
    control: { user: pcache, password_env: PASSWORD }
    partition_keys:
      region: { datatype: integer, consistency: static, tables: { public.place: region_id } }
`;

  function start(auth: string, more = databases, mode = 'on'): PcacheProcess {
    const file = join(directory.path, 'pcache.yaml');
    writeFileSync(
      file,
      `mode: "${mode}"
listen: { port: 0, tls: { mode: require, certificate: own.crt, key: own.key } }
admin: { port: 0 }
upstream: { port: ${server.port}, tls: { mode: require } }
cache: { backend: memory }
auth: { mode: verify, ${auth} }
${more}`,
    );
    const environment = { PASSWORD: 'sesame' };
    return new PcacheProcess(['proxy', '--config', file], { environment, workingDirectory: directory.path });
  }

  /** `in` and the channel binding used, or the SQLSTATE. */
  async function logIn(program: PcacheProcess, user: string, password: string): Promise<string> {
    const { listen } = (await program.logged('accepting connections')) as { listen: { port: number } };
    const options = { ...server.connectionOptions('postgres'), port: listen.port, user, password };
    const client = new Client({ ...options, ssl: { ca: own.pem }, enableChannelBinding: true });
    try {
      await client.connect();
      const { rows } = await client.query('select ssl from pg_stat_ssl where pid = pg_backend_pid()');
      return `in, server with TLS: ${rows[0].ssl}`;
    } catch (error) {
      return String((error as { code?: string }).code);
    } finally {
      await client.end();
    }
  }

  const secretOf = async (role: string): Promise<string> => {
    const { rows } = await admin.query('select rolpassword as a from pg_authid where rolname = $1', [role]);
    return rows[0].a;
  };
  const isIn = 'in, server with TLS: true';

  test.each(['on', 'off'])('a function of the database, mode %s', async (mode) => {
    await using program = start('query: select * from public.verifier_of($1)', databases, mode);
    expect(await logIn(program, 'one', 'first')).toBe(isIn);
    expect(await logIn(program, 'one', 'wrong')).toBe('28P01');
    expect(await logIn(program, 'nobody', 'first')).toBe('28P01');
    expect(program.stderr).not.toMatch(/SCRAM-SHA-256\$|first|sesame/);
  });

  test('a role that may not read pg_authid: nobody gets in, and the log says why', async () => {
    await using program = start('');
    expect(await logIn(program, 'one', 'first')).toBe('08006');
    const { err } = (await program.logged('a client cannot be verified')) as { err: { message: string } };
    expect(err.message).toMatch(/permission denied for table pg_authid \(SQLSTATE 42501\)/);
  });

  test('a user file; SIGHUP reads it again, and a bad one is not used', async () => {
    const file = join(directory.path, 'userlist.txt');
    writeFileSync(file, `"one" "${await secretOf('one')}"\n`);
    await using program = start('user_file: userlist.txt', '');
    expect(await logIn(program, 'one', 'first')).toBe(isIn);
    expect(await logIn(program, 'two', 'second')).toBe('28P01');

    writeFileSync(file, `"two" "${await secretOf('two')}"\n`);
    program.send('SIGHUP');
    await program.logged('the user file was read again');
    expect(await logIn(program, 'one', 'first')).toBe('28P01');
    expect(await logIn(program, 'two', 'second')).toBe(isIn);

    writeFileSync(file, '"two" "second"\n');
    program.send('SIGHUP');
    const { err } = (await program.logged(
      'the new user file cannot be used; what was read before stays',
    )) as { err: { message: string } };
    expect(err.message).toMatch(/line 1: "two" has a plain password/);
    expect(await logIn(program, 'two', 'second')).toBe(isIn);
  });

  test('a user file, and a query for those who are not in it', async () => {
    writeFileSync(join(directory.path, 'userlist.txt'), `"one" "${await secretOf('one')}"\n`);
    await using program = start(
      'user_file: userlist.txt, query: select * from public.verifier_of($1), database: postgres',
    );
    expect(await logIn(program, 'one', 'first')).toBe(isIn);
    expect(await logIn(program, 'two', 'second')).toBe(isIn);
  });

  test('refuses: a user file with mistakes, all of them named, with exit code 1', async () => {
    writeFileSync(join(directory.path, 'userlist.txt'), '"one" "first"\n\ntwo second\n');
    await using program = start('user_file: userlist.txt', '');
    const { code, stderr } = await program.ended;
    expect(stderr).toMatch(
      /auth.user_file: it cannot be used: .*userlist.txt:\n {2}line 1: .*\n {2}line 3: /,
    );
    expect(stderr).not.toMatch(/first|second/);
    expect(code).toBe(1);
  });
});
