import { startPostgres, type ConnectionOptions, type PostgresServer } from '../support/postgres-server';
import type { TrackedKey } from '../../src/engine/database-engine';
import { createDatabase } from './create-database';
import { oracleSettings } from './oracle-settings';
import { OracleReport, runOracle } from './run-oracle';
import type { Subject } from './subject';

/** Opens a subject on a database; `sessionStart` is what every session of the client does first. */
export type OpenSubject = (
  connection: ConnectionOptions,
  keys: readonly TrackedKey[],
  sessionStart: string,
) => Promise<Subject>;

/**
 * The oracle as a test: random statements over random schemas, each answer compared with the server's own. What was run, and
 * how much of it was restricted, is in the output; so is the seed, with which a run can be had again.
 */
export function describeOracle(
  name: string,
  open: OpenSubject,
  defaults: { readonly statements: number; readonly seconds: number; readonly perSchema: number },
): void {
  const settings = oracleSettings(defaults);

  describe(`oracle: ${name}`, () => {
    let server: PostgresServer;
    beforeAll(async () => {
      server = await startPostgres();
    });
    afterAll(() => server.stop());

    test(
      'restricted or not, a statement returns the rows that the server returns',
      async () => {
        const report = new OracleReport();
        const endsAt = Date.now() + settings.seconds * 1_000;
        for (let schemaNumber = 1; !settings.isEnough(report, endsAt); schemaNumber++) {
          const { database, schema, sessionStart } = await createDatabase(
            server,
            settings.seed,
            schemaNumber,
          );
          await using subject = await open(server.connectionOptions(database), schema.tracked, sessionStart);
          const { seed, perSchema: statements } = settings;
          await runOracle(
            { seed, schemaNumber, schema, subject, statements, endsAt, learnedShare: 0.6 },
            report,
          );
        }
        process.stdout.write(`oracle, ${name}: ORACLE_SEED=${settings.seed}\n${report.toString()}\n`);
        expect(report.failures.join('\n\n')).toBe('');
        // Otherwise it would prove nothing.
        expect(report.share).toBeGreaterThan(0.2);
      },
      settings.seconds * 1_000 + 120_000,
    );
  });
}
