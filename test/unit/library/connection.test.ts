import { Pool } from 'pg';
import { connectionParameters } from '../../../src/library/connection';

const url = 'postgresql://app:sesame@db:5433/places';

describe('the connection of a cache helper', () => {
  const before = process.env['PGSSLMODE'];
  afterEach(() => {
    if (before === undefined) delete process.env['PGSSLMODE'];
    else process.env['PGSSLMODE'] = before;
  });

  test('of a pool: its parts, wherever they stand', () => {
    const expected = { host: 'db', port: 5433, database: 'places', user: 'app', password: 'sesame' };
    expect(connectionParameters(new Pool({ connectionString: url }))).toEqual(expected);
    expect(connectionParameters(new Pool(expected))).toEqual(expected);
    expect(connectionParameters(new Pool({ ...expected, ssl: false }))).toEqual(expected);
  });

  // What cannot be taken over is not left out: the helper's connections would go unencrypted.
  test.each([
    ['as an option', { connectionString: url, ssl: { rejectUnauthorized: false } }],
    ['in the connection string', { connectionString: `${url}?sslmode=require` }],
    ['in the connection string, as pg has it', { connectionString: `${url}?ssl=true` }],
  ])('refuses: a pool with TLS %s', (_, options) => {
    expect(() => connectionParameters(new Pool(options))).toThrow(/the TLS of a pool cannot be taken over/);
  });

  test('refuses: a pool whose TLS is in the environment', () => {
    process.env['PGSSLMODE'] = 'require';
    expect(() => connectionParameters(new Pool({ connectionString: url }))).toThrow(/TLS of a pool/);
  });

  test('refuses: a pool that asks a function for its password', () => {
    const pool = new Pool({ host: 'db', user: 'app', database: 'places', password: () => 'sesame' });
    expect(() => connectionParameters(pool)).toThrow(/the password of the pool is a function/);
  });

  test('of a string: sslmode is in it, or in PGSSLMODE as for libpq', () => {
    expect(connectionParameters(`${url}?sslmode=verify-full&sslrootcert=/ca.pem`).tls).toEqual({
      mode: 'verify-full',
      ca: '/ca.pem',
    });
    process.env['PGSSLMODE'] = 'require';
    expect(connectionParameters(url).tls).toEqual({ mode: 'require' });
    expect(connectionParameters(`${url}?sslmode=disable`).tls).toEqual({ mode: 'disable' });
  });

  test.each(['sslmode=perhaps', 'sslmode=no-verify', 'ssl=true'])(
    'refuses: a string with %s',
    (parameter) => {
      expect(() => connectionParameters(`${url}?${parameter}`)).toThrow(/sslmode/);
    },
  );
});
