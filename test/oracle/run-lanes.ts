import type { TrackedKey } from '../../src/engine/database-engine';
import type { ConnectionOptions, PostgresServer } from '../support/postgres-server';
import { methods, type MethodChoice } from '../../src/query/rewrite/method';
import { createDatabase } from './create-database';
import type { OracleReport } from './oracle-report';
import { Random } from './random';
import { runOracle } from './run-oracle';
import type { Subject } from './subject';

/** Opens a subject on a database; `sessionStart` is what every session of the client does first. */
export type OpenSubject = (
  connection: ConnectionOptions,
  keys: readonly TrackedKey[],
  sessionStart: string,
) => Promise<Subject>;

export interface LanesOptions {
  readonly seed: number;
  /** The first schema's number; the others follow. */
  readonly firstSchema: number;
  /** Statements over one schema before the next is made. */
  readonly perSchema: number;
  /** Schemas that are worked on at the same time: while one waits for the server, another has the processor. */
  readonly lanes: number;
  /** No new schema is begun from then on, in milliseconds as `Date.now()` counts. */
  readonly endsAt: number;
  readonly maxStatements: number;
  /** How statements are restricted; random: drawn anew for each schema. */
  readonly method: MethodChoice | 'random';
}

/** More failures of one run say little more. */
const maxFailures = 5;
/** Share of statements that are learned; the others may match what is known from these. */
const learnedShare = 0.7;

/** Random statements over random schemas until there are enough; what was seen is in the report. */
export async function runLanes(
  server: PostgresServer,
  open: OpenSubject,
  options: LanesOptions,
  report: OracleReport,
): Promise<void> {
  const { seed, perSchema, lanes, endsAt, maxStatements } = options;
  let next = options.firstSchema;
  const isEnough = (): boolean =>
    (next - options.firstSchema) * perSchema >= maxStatements ||
    report.failures.length >= maxFailures ||
    Date.now() >= endsAt;
  const lane = async (): Promise<void> => {
    while (!isEnough()) {
      const schemaNumber = next++;
      const { database, schema, keyCounts, ...made } = await createDatabase(server, seed, schemaNumber);
      const method =
        options.method === 'random' ? new Random(seed, schemaNumber, 0).pick([...methods]) : options.method;
      const sessionStart = `${made.sessionStart}; set pcache.method = '${method}'`;
      {
        await using subject = await open(server.connectionOptions(database), schema.tracked, sessionStart);
        const run = {
          ...{ seed, schemaNumber, schema, keyCounts, subject, endsAt, learnedShare },
          statements: perSchema,
        };
        await runOracle(run, report);
      }
      await server.dropDatabase(database);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}
