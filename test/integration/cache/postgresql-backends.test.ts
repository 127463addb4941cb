import { Client } from 'pg';
import {
  openPostgresqlArray,
  openPostgresqlBit,
  openPostgresqlRoaringbit,
} from '../../../src/cache/backends/postgresql';
import { cacheMigrations } from '../../../src/cache/backends/postgresql/cache-schema';
import { migrate } from '../../../src/postgres/migrations';
import type { PostgresqlOptions } from '../../../src/cache/backends/postgresql/postgresql-backend';
import type { CacheBackend } from '../../../src/cache/cache-backend';
import { openPool } from '../../../src/postgres/control-pool';
import { type BackendUnderTest, describeCacheBackend } from '../../support/cache-backend-conformance';
import {
  hasPostgresBinaries,
  type PostgresBinaries,
  type PostgresServer,
  startPostgres,
} from '../../support/postgres-server';

const bits = 100_000;
/** Names that have to be quoted, and that end one another. */
const schema = { schema: 'the "cache"', tablePrefix: 'My ' };

type Subject = Pick<BackendUnderTest, 'name' | 'keyTypes' | 'integerRange'> & {
  readonly openWith: (options: PostgresqlOptions) => Promise<CacheBackend>;
};
const subjects: readonly Subject[] = [
  {
    name: 'postgresql_array',
    keyTypes: ['integer', 'float', 'text', 'timestamp'],
    openWith: openPostgresqlArray,
  },
  {
    name: 'postgresql_bit',
    keyTypes: ['integer'],
    integerRange: { min: 0n, max: BigInt(bits) - 1n },
    openWith: (options) => openPostgresqlBit({ ...options, bits }),
  },
  { name: 'postgresql_roaringbit', keyTypes: ['integer'], openWith: openPostgresqlRoaringbit },
];
const versions = (['embedded', 'debian15'] as const).filter((binaries) => hasPostgresBinaries(binaries));

describe.each(versions)('in PostgreSQL (%s)', (binaries: PostgresBinaries) => {
  let server: PostgresServer;
  let database: string;
  let admin: Client;
  beforeAll(async () => {
    server = await startPostgres({ binaries });
    database = await server.createDatabase();
    admin = new Client(server.connectionOptions(database));
    await admin.connect();
    await using pool = openPool({ ...server.connectionOptions(database) });
    await migrate(pool, cacheMigrations(schema));
  });
  afterAll(async () => {
    await admin.end();
    await server.stop();
  });

  for (const { openWith, ...subject } of subjects) {
    const open = (): Promise<CacheBackend> => {
      const pool = openPool({ ...server.connectionOptions(database) });
      return openWith({ pool, schema, warn: () => undefined });
    };
    describeCacheBackend({
      ...subject,
      open: async () => {
        await admin.query('delete from "the ""cache""". "My partition_key"');
        return open();
      },
      reopen: open,
    });
  }
});
