import { defaultFragmentOptions } from '../../../../src/query/fragment/fragment-options';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { ConfigError, type ConfigProblem } from '../../../../src/errors/config-error';
import { type ConfigSources } from '../../../../src/ops/config/check-config';
import { readConfig, readConfigFile } from '../../../../src/ops/config/read-config';
import { temporaryDirectory } from '../../../support/temporary-directory';

const sources: ConfigSources = {
  source: 'pcache.yaml',
  environment: { PCACHE_CONTROL_PASSWORD: 'sesame' },
  workingDirectory: '/somewhere',
};

function problemsOf(text: string, more: Partial<ConfigSources> = {}): readonly ConfigProblem[] {
  try {
    readConfig(text, { ...sources, ...more });
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

/** A whole file with one database, into which a test puts what it is about. */
function withDatabase({
  top = '',
  control = '{ user: pcache }',
  datatype = 'integer',
  consistency = 'consistency: static',
  tables = '{ public.place: region_id }',
  key = 'region',
  more = '',
}: Partial<Record<'top' | 'control' | 'datatype' | 'consistency' | 'tables' | 'key' | 'more', string>> = {}) {
  return `${top}
databases:
  places:
    control: ${control}
    partition_keys:
      ${key}: { datatype: ${datatype}, ${consistency}, tables: ${tables} ${more} }
`;
}

const keyPath = 'databases.places.partition_keys.region';

describe('readConfig', () => {
  test('applies: the example file, with its defaults', () => {
    const config = readConfigFile(join(__dirname, '../../../../config/pcache.example.yaml'), sources);
    expect(config).toMatchObject({
      mode: 'on',
      listen: { host: '127.0.0.1', port: 6432 },
      upstream: { host: '127.0.0.1', port: 5432 },
      admin: { host: '127.0.0.1', port: 9127 },
      cache: { backend: 'rocksdb_set', path: '/somewhere/pcache-data' },
      population: { minQueryMs: 5, concurrency: 2, timeoutMs: 60_000, maxKeys: 100_000 },
      freshness: { schema: 'pcache', lockTimeoutMs: 200, lockAttempts: 50 },
      limits: {
        maxSessions: 10_000,
        heldReplyBytes: 1_048_576,
        loginTimeoutMs: 60_000,
        drainTimeoutMs: 30_000,
        successorTimeoutMs: 60_000,
      },
      log: { level: 'info', format: 'json', sql: false },
    });
    const places = config.databases.get('places');
    expect(places?.control).toMatchObject({ host: '127.0.0.1', port: 5432, user: 'pcache' });
    expect(places?.control.password?.reveal()).toBe('sesame');
    expect(places?.partitionKeys.get('region')).toEqual({
      name: 'region',
      datatype: 'integer',
      consistency: 'static',
      maxKeyShare: 0.5,
      method: 'auto',
      tables: new Map([
        ['public.place', 'region_id'],
        ['public.region', 'region_id'],
      ]),
      fragments: defaultFragmentOptions,
    });
  });

  test('applies: an empty file relays every database', () => {
    expect(readConfig('', sources).databases.size).toBe(0);
  });

  test.each([
    ['mode: on', 'on'],
    ['mode: "observe"', 'observe'],
    ['mode: off', 'off'],
    // What a YAML 1.1 reader or writer makes of an unquoted on.
    ['%YAML 1.1\n---\nmode: on', 'on'],
    ['mode: false', 'off'],
  ])('applies: %j is mode %s', (text, mode) => {
    expect(readConfig(text, sources).mode).toBe(mode);
  });

  test('applies: the result cannot be changed', () => {
    const config = readConfig(withDatabase(), sources);
    const database = config.databases.get('places');
    for (const part of [config, config.listen, database, database?.partitionKeys.get('region')]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
  });

  test('applies: names in quotes are those of the catalog', () => {
    const tables = `{ 'public."Place"': '"RegionId"', '"My Schema".t': größe, 'public."a""b"': k }`;
    const config = readConfig(withDatabase({ tables }), sources);
    expect(config.databases.get('places')?.partitionKeys.get('region')?.tables).toEqual(
      new Map([
        ['public.Place', 'RegionId'],
        ['My Schema.t', 'größe'],
        ['public.a"b', 'k'],
      ]),
    );
  });

  test('applies: host and port of control are those of upstream unless it has its own', () => {
    const top = 'upstream: { host: db.example, port: 5433 }';
    const inherited = readConfig(withDatabase({ top }), sources).databases.get('places');
    expect(inherited?.control).toMatchObject({ host: 'db.example', port: 5433, password: undefined });
    const own = readConfig(withDatabase({ top, control: '{ user: a, host: replica, port: 1 }' }), sources);
    expect(own.databases.get('places')?.control).toMatchObject({ host: 'replica', port: 1 });
  });

  test('applies: a password file, without the line end at its end', async () => {
    await using directory = await temporaryDirectory('config');
    writeFileSync(join(directory.path, 'password'), ' a b \n');
    const text = withDatabase({ control: '{ user: a, password_file: password }' });
    const config = readConfig(text, { ...sources, workingDirectory: directory.path });
    expect(config.databases.get('places')?.control.password?.reveal()).toBe(' a b ');
  });

  test('applies: TLS on both sides and unix sockets, with file names made absolute', () => {
    const text = `
listen:
  socket_directory: sockets
  tls: { mode: require, certificate: own.crt, key: /etc/own.key, client_ca: clients.crt, minimum_version: TLSv1.3 }
upstream: { host: /var/run/postgresql, tls: { mode: verify-full, ca: root.crt, certificate: c, key: k } }
`;
    const { listen, upstream } = readConfig(text, sources);
    expect(listen).toEqual({
      host: '127.0.0.1',
      port: 6432,
      socketDirectory: '/somewhere/sockets',
      tls: {
        mode: 'require',
        certificate: '/somewhere/own.crt',
        key: '/etc/own.key',
        clientCa: '/somewhere/clients.crt',
        minimumVersion: 'TLSv1.3',
      },
    });
    expect(upstream).toEqual({
      host: '/var/run/postgresql',
      port: 5432,
      tls: {
        mode: 'verify-full',
        ca: '/somewhere/root.crt',
        certificate: '/somewhere/c',
        key: '/somewhere/k',
      },
    });
  });

  test('applies: TLS is off unless asked for, and environment variables reach into it', () => {
    const { listen, upstream } = readConfig('', sources);
    expect([listen.tls.mode, upstream.tls.mode]).toEqual(['disable', 'disable']);
    const environment = { PCACHE_UPSTREAM_TLS_MODE: 'prefer', PCACHE_LISTEN_SOCKET_DIRECTORY: '/run/x' };
    const config = readConfig('', { ...sources, environment });
    expect([config.upstream.tls.mode, config.listen.socketDirectory]).toEqual(['prefer', '/run/x']);
  });

  test('applies: who verifies clients; by default the server alone', () => {
    const none = { mode: 'relay', query: undefined, database: undefined, userFile: undefined };
    expect(readConfig('', sources).auth).toEqual(none);
    expect(readConfig(withDatabase({ top: 'auth: { mode: verify }' }), sources).auth).toEqual({
      ...none,
      mode: 'verify',
    });
    const auth =
      'auth: { mode: verify, user_file: users.txt, query: "select * from f($1)", database: places }';
    expect(readConfig(withDatabase({ top: auth }), sources).auth).toEqual({
      mode: 'verify',
      userFile: '/somewhere/users.txt',
      query: 'select * from f($1)',
      database: 'places',
    });
  });

  test('a password shows in no form of print', () => {
    const text = withDatabase({ control: '{ user: a, password_env: PCACHE_CONTROL_PASSWORD }' });
    const control = readConfig(text, sources).databases.get('places')?.control;
    for (const print of [JSON.stringify(control), inspect(control), String(control?.password)]) {
      expect(print).toContain('redacted');
      expect(print).not.toContain('sesame');
    }
  });

  test.each<[string, string, string, RegExp]>([
    ['an unknown option', 'lsten: { port: 1 }', 'lsten', /unknown option; did you mean listen\? \(line 1\)/],
    [
      'another habit of writing',
      'population: { minQueryMs: 1 }',
      'population.minQueryMs',
      /did you mean min_query_ms\?/,
    ],
    [
      'an option like no other',
      'frobnicate: 1',
      'frobnicate',
      /unknown option; known here: mode, workers, listen/,
    ],
    ['a name that is special to JavaScript', '__proto__: 1', '__proto__', /unknown option/],
    [
      'a port out of range',
      'listen: { port: 70000 }',
      'listen.port',
      /expected a port from 1 to 65535.*got 70000 \(line 1\)/,
    ],
    ['a fraction of a port', 'listen: { port: 1.5 }', 'listen.port', /got 1.5/],
    ['a port as text', 'listen: { port: "6432" }', 'listen.port', /got "6432"/],
    ['port 0 for the server', 'upstream: { port: 0 }', 'upstream.port', /got 0/],
    [
      'a port inside a host',
      'upstream: { host: "db:5432" }',
      'upstream.host',
      /without a port, got "db:5432"/,
    ],
    ['nothing where something must be', 'listen: { host: }', 'listen.host', /got nothing/],
    ['a value for a mapping', 'upstream: 5432', 'upstream', /expected a mapping of options, got 5432/],
    [
      'an unknown mode',
      'mode: observer',
      'mode',
      /expected "on", "verify", "observe" or "off", got "observer"/,
    ],
    [
      'an unknown backend',
      'cache: { backend: mysql_set }',
      'cache.backend',
      /expected .*"rocksdb_set", .* or "memory"/,
    ],
    [
      'an unknown queue',
      'queue: { provider: kafka }',
      'queue.provider',
      /expected "auto", "postgresql", "redis" or "in_process", got "kafka"/,
    ],
    ['no time to rest in', 'population: { duty: 0 }', 'population.duty', /from 0.001 to 1, got 0/],
    ['a negative time', 'population: { timeout_ms: -1 }', 'population.timeout_ms', /got -1/],
    // setTimeout would fire at once.
    [
      'a time no timer can count',
      'limits: { drain_timeout_ms: 3000000000 }',
      'limits.drain_timeout_ms',
      /2147483647/,
    ],
    ['a number that is none', 'population: { min_query_ms: .nan }', 'population.min_query_ms', /got NaN/],
    ['a log that is neither', 'log: { sql: yes }', 'log.sql', /expected true or false, got "yes"/],
    ['a list', '- mode', '(file)', /expected a mapping of options/],
    ['a word', 'mode', '(file)', /expected a mapping of options, got "mode"/],
    [
      'the same key twice',
      'listen: { port: 1 }\nlisten: { port: 2 }',
      'line 2, column 1',
      /listen stands there twice/,
    ],
    ['text that is no YAML', 'listen: { port: 1', 'line 1, column 18', /./],
    ['two documents', 'mode: on\n---\nmode: off', 'line 2, column 1', /multiple documents/],
    ['an alias of nothing', 'mode: *a', '(file)', /Unresolved alias/],
    ['a tag of another language', 'mode: !!js/function x', 'line 1, column 7', /Unresolved tag/],
    ['a proxy of itself', 'upstream: { port: 6432 }', 'upstream', /connect to itself/],
    [
      'a proxy of its own socket',
      'listen: { socket_directory: /run/x }\nupstream: { host: /run/x, port: 6432 }',
      'upstream',
      /own socket in \/run\/x/,
    ],
    [
      'TLS without a certificate',
      'listen: { tls: { mode: prefer, key: k } }',
      'listen.tls.certificate',
      /is required/,
    ],
    [
      'TLS without a key',
      'listen: { tls: { mode: require, certificate: c } }',
      'listen.tls.key',
      /is required/,
    ],
    [
      'a sslmode that is for servers',
      'listen: { tls: { mode: verify-ca } }',
      'listen.tls.mode',
      /"require", got "verify-ca"/,
    ],
    [
      'a version of TLS nobody should use',
      'listen: { tls: { minimum_version: TLSv1 } }',
      'listen.tls.minimum_version',
      /"TLSv1.3"/,
    ],
    [
      'verifying by nothing',
      'upstream: { tls: { mode: verify-full } }',
      'upstream.tls.ca',
      /verify-full takes the authorities/,
    ],
    [
      'a certificate without its key',
      'upstream: { tls: { mode: require, certificate: c } }',
      'upstream.tls.key',
      /is required/,
    ],
    [
      'verifying clients by nothing',
      'auth: { mode: verify }',
      'auth.mode',
      /takes a user_file, or a database/,
    ],
    [
      'a query for verifiers without a database',
      'auth: { mode: verify, query: select $1, user_file: a }',
      'auth.query',
      /needs a database/,
    ],
    [
      'a query for verifiers that does not say whose',
      withDatabase({ top: 'auth: { mode: verify, query: select 1, $10 }' }).replace(
        'select 1, $10',
        '"select $10"',
      ),
      'auth.query',
      /has no \$1/,
    ],
    [
      'a database for verifiers that is not there',
      withDatabase({ top: 'auth: { mode: verify, database: places2 }' }),
      'auth.database',
      /is not listed under databases/,
    ],
    ['a mode of verifying that is none', 'auth: { mode: scram }', 'auth.mode', /"relay" or "verify"/],
    ['no worker at all', 'workers: 0', 'workers', /whole number from 1 to 1024, or "auto", got 0/],
    ['workers in words', 'workers: many', 'workers', /whole number from 1 to 1024, or "auto"/],
    ['two servers on one port', 'listen: { port: 9127 }', 'admin', /127.0.0.1:9127 as well/],
    [
      'a database without content',
      'databases: { a: }',
      'databases.a',
      /expected a mapping with control and partition_keys/,
    ],
    [
      'a database without control',
      'databases: { a: { partition_keys: {} } }',
      'databases.a.control',
      /is required/,
    ],
    [
      'a database without a name',
      withDatabase().replace('places:', '"":'),
      'databases[""]',
      /cannot be empty/,
    ],
  ])('refuses: %s', (_title, text, path, message) => {
    expect(problemsOf(text)).toContainEqual({ path, message: expect.stringMatching(message) });
  });

  test.each<[string, Parameters<typeof withDatabase>[0], string, RegExp]>([
    [
      'a consistency that does not exist',
      { consistency: 'consistency: eventual' },
      `${keyPath}.consistency`,
      /"static" or/,
    ],
    [
      'a datatype the backend has not',
      { datatype: 'float' },
      `${keyPath}.datatype`,
      /rocksdb_set holds integer and text keys, not float; cache.backend could be postgresql_array or rocksdict/,
    ],
    [
      'an unknown datatype',
      { datatype: 'uuid' },
      `${keyPath}.datatype`,
      /expected "integer", "float", "text" or "timestamp", got "uuid"/,
    ],
    [
      'a share of nothing',
      { more: ', max_key_share: 0' },
      `${keyPath}.max_key_share`,
      /above 0, up to 1, got 0/,
    ],
    [
      'a method there is not',
      { more: ', method: fast' },
      `${keyPath}.method`,
      /expected "auto", "inline", "in_subquery", "tmp_table_in" or "tmp_table_join", got "fast"/,
    ],
    [
      'a table without schema',
      { tables: '{ place: id }' },
      `${keyPath}.tables.place`,
      /expected schema.table, such as public.place/,
    ],
    [
      'three parts',
      { tables: '{ db.public.place: id }' },
      `${keyPath}.tables["db.public.place"]`,
      /and nothing more/,
    ],
    [
      'capitals without quotes',
      { tables: '{ public.Place: id }' },
      `${keyPath}.tables["public.Place"]`,
      /Place has capitals.*write place, or "Place"/,
    ],
    [
      'a column with capitals whose quotes YAML took',
      { tables: '{ public.place: "RegionId" }' },
      `${keyPath}.tables["public.place"]`,
      /RegionId has capitals/,
    ],
    [
      'a column that is an expression',
      { tables: '{ public.place: id+1 }' },
      `${keyPath}.tables["public.place"]`,
      /unexpected "\+1"/,
    ],
    [
      'an open quote',
      { tables: `{ 'public."place': id }` },
      `${keyPath}.tables["public.\\"place"]`,
      /expected a name at character 8/,
    ],
    [
      'a dot inside a name',
      { tables: `{ '"a.b".c': id }` },
      `${keyPath}.tables["\\"a.b\\".c"]`,
      /not supported/,
    ],
    [
      'a name PostgreSQL would cut',
      { tables: `{ public.${'a'.repeat(64)}: id }` },
      `${keyPath}.tables["public.${'a'.repeat(64)}"]`,
      /longer than the 63 bytes/,
    ],
    [
      'the same table in two spellings',
      { tables: `{ public.place: a, 'public."place"': b }` },
      `${keyPath}.tables["public.\\"place\\""]`,
      /is the same table as public.place/,
    ],
    ['no table', { tables: '{}' }, `${keyPath}.tables`, /at least one table/],
    [
      'a number for a column',
      { tables: '{ public.place: 5 }' },
      `${keyPath}.tables["public.place"]`,
      /the name of a column, got 5/,
    ],
    [
      'a partition key a store could not name',
      { key: 'region-id' },
      'databases.places.partition_keys.region-id',
      /letters, digits and underscores/,
    ],
    [
      'a password in the file',
      { control: '{ user: a, password: geheim }' },
      'databases.places.control.password',
      /use password_env or password_file/,
    ],
    [
      'a token in the file',
      { top: 'admin: { token: geheim }' },
      'admin.token',
      /use token_env or token_file/,
    ],
    [
      'a console where a database is',
      { top: 'admin: { users: "a, b", console_database: places }' },
      'admin.console_database',
      /is one of the databases/,
    ],
    [
      'access by a token that is not there',
      { top: 'admin: { access: token }' },
      'admin.access',
      /takes a token/,
    ],
    [
      'two tokens',
      { top: 'admin: { token_env: A, token_file: b }' },
      'admin',
      /has both token_env and token_file/,
    ],
    [
      'a token that is not set',
      { top: 'admin: { token_env: NOT_SET }' },
      'admin.token_env',
      /NOT_SET is not set; it must hold the token/,
    ],
    [
      'a token that can be guessed',
      { top: 'admin: { token_env: PCACHE_CONTROL_PASSWORD }' },
      'admin',
      /16 characters or more/,
    ],
    [
      'two passwords',
      { control: '{ user: a, password_env: A, password_file: b }' },
      'databases.places.control',
      /has both/,
    ],
    [
      'a variable that is not set',
      { control: '{ user: a, password_env: NOT_SET }' },
      'databases.places.control.password_env',
      /NOT_SET is not set/,
    ],
    [
      'a file that is not there',
      { control: '{ user: a, password_file: gone }' },
      'databases.places.control.password_file',
      /cannot be read: ENOENT/,
    ],
    [
      'an empty user',
      { control: '{ user: "" }' },
      'databases.places.control.user',
      /expected a role name, got ""/,
    ],
  ])('refuses: %s', (_title, parts, path, message) => {
    expect(problemsOf(withDatabase(parts))).toContainEqual({ path, message: expect.stringMatching(message) });
  });

  test('a token of the admin port is read from a file, or from what a variable names, and never shown', async () => {
    await using directory = await temporaryDirectory();
    writeFileSync(join(directory.path, 'token'), 'open-sesame-open-sesame\n');
    const { admin } = readConfig(withDatabase({ top: 'admin: { access: token, token_file: token }' }), {
      ...sources,
      workingDirectory: directory.path,
    });
    expect([admin.access, admin.token?.reveal()]).toEqual(['token', 'open-sesame-open-sesame']);
    expect(inspect(admin) + JSON.stringify(admin)).not.toContain('sesame');
    const environment = {
      ...sources.environment,
      PCACHE_ADMIN_TOKEN_ENV: 'MY_TOKEN',
      MY_TOKEN: 'sixteen-and-more!',
    };
    const fromVariable = readConfig(withDatabase({ top: 'admin: { token_env: OTHER }' }), {
      ...sources,
      environment,
    });
    expect(fromVariable.admin.token?.reveal()).toBe('sixteen-and-more!');
  });

  test('a cache in PostgreSQL is where the only database is, unless it says otherwise', () => {
    const text = withDatabase({}).replace(/^/, 'cache: { backend: postgresql_array }\n');
    const { cache, databases } = readConfig(text, sources);
    const [database] = databases.values();
    expect(cache.postgresql).toEqual({
      ...database?.control,
      database: 'places',
      schema: 'pcache',
      tablePrefix: 'cache_',
      mayStoreInPlace: true,
    });
  });

  test.each<[string, string, string, RegExp]>([
    [
      'a cache in PostgreSQL nobody knows where',
      'cache: { backend: postgresql_bit }',
      'cache.postgresql.database',
      /there is none/,
    ],
    [
      'a cache in another database, without a role',
      'cache: { backend: postgresql_bit, postgresql: { database: other } }',
      'cache.postgresql.user',
      /the database is not under databases/,
    ],
  ])('refuses: %s', (_title, text, path, message) => {
    expect(problemsOf(text)).toContainEqual({ path, message: expect.stringMatching(message) });
  });

  test('refuses: a partition key that zod would leave out without a word', () => {
    const path = 'databases.places.partition_keys.__proto__';
    expect(problemsOf(withDatabase({ key: '__proto__' }))).toMatchObject([{ path }]);
  });

  test('refuses: a partition key of two datatypes in two databases, which share the cache', () => {
    const database = (datatype: string) =>
      `{ control: { user: a }, partition_keys: { k: { datatype: ${datatype}, consistency: static, tables: { a.b: c } } } }`;
    const both = (a: string, b: string) => `databases:\n  a: ${database(a)}\n  b: ${database(b)}\n`;
    expect(problemsOf(both('text', 'text'))).toEqual([]);
    expect(problemsOf(both('text', 'integer'))).toEqual([
      {
        path: 'databases.b.partition_keys.k.datatype',
        message: expect.stringMatching(/k of database a is of datatype text.*another name \(line 3\)/),
      },
    ]);
  });

  test('reports everything at once, in the order of the file', () => {
    const text = `mode: maybe
listen: { port: -1, prot: 5 }
databases:
  places:
    control: { user: pcache, password_env: NOT_SET }
    partition_keys:
      region: { datatype: float, consistency: exact, tables: { place: region_id } }
`;
    const paths = problemsOf(text).map(({ path }) => path);
    expect(paths).toEqual([
      'mode',
      'listen.port',
      'listen.prot',
      'databases.places.control.password_env',
      `${keyPath}.datatype`,
      `${keyPath}.tables.place`,
    ]);
  });

  test('says once what breaks two rules', () => {
    expect(problemsOf('population: { concurrency: 99999999999999999999 }')).toHaveLength(1);
  });

  test('a secret never gets into a message', () => {
    const text = withDatabase({ control: '{ user: 5, password_env: PCACHE_CONTROL_PASSWORD }' });
    expect(JSON.stringify(problemsOf(text))).not.toContain('sesame');
  });
});

describe('what stands above the file', () => {
  const text = 'listen: { port: 1000 }\nlog: { level: warn }';

  test.each([
    ['file over default', {}, [], 1000],
    ['environment over file', { PCACHE_LISTEN_PORT: '2000' }, [], 2000],
    ['command line over environment', { PCACHE_LISTEN_PORT: '2000' }, ['3000'], 3000],
    ['an empty variable is none', { PCACHE_LISTEN_PORT: '' }, [], 1000],
  ])('%s', (_title, environment, values, port) => {
    const flags = values.map((value) => ({ name: 'listen.port', value, origin: '--set' }));
    const config = readConfig(text, { ...sources, environment, flags });
    expect(config.listen).toMatchObject({ host: '127.0.0.1', port });
    expect(config.log.level).toBe('warn');
  });

  test('texts stay texts and booleans become booleans', () => {
    const environment = { PCACHE_CACHE_PATH: '123', PCACHE_LOG_SQL: 'true' };
    const config = readConfig('', { ...sources, environment });
    expect(config.cache.path).toBe('/somewhere/123');
    expect(config.log.sql).toBe(true);
  });

  test.each([
    [{ PCACHE_LISTEN_PORT: 'many' }, [], 'listen.port', /got "many" \(from PCACHE_LISTEN_PORT\)/],
    [{ PCACHE_LOG_FORMAT: 'xml' }, [], 'log.format', /got "xml" \(from PCACHE_LOG_FORMAT\)/],
    [
      {},
      [{ name: 'mode', value: 'of', origin: '--mode' }],
      'mode',
      /got "of"; did you mean off\? \(from --mode\)/,
    ],
    [
      {},
      [{ name: 'listen.prot', value: '1', origin: '--set' }],
      'listen.prot',
      /no such option; did you mean listen.port\? \(from --set\)/,
    ],
    // One database's options are not to be had from there: their names may contain anything.
    [{}, [{ name: 'databases.a', value: '1', origin: '--set' }], 'databases.a', /no such option/],
  ])('refuses: %j %j', (environment, flags, path, message) => {
    expect(problemsOf(text, { environment, flags })).toEqual([
      { path, message: expect.stringMatching(message) },
    ]);
  });
});
