import { startPostgres, type PostgresServer } from '../support/postgres-server';
import { createDatabase } from './create-database';
import { EngineSubject } from './engine-subject';
import { oracleSettings } from './oracle-settings';
import { OracleReport, runOracle } from './run-oracle';

const settings = oracleSettings({ statements: 2_500, seconds: 110, perSchema: 125 });

describe('oracle: statements planned by the engine', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server.stop());

  test(
    'restricted or not, a statement returns the rows that the server returns',
    async () => {
      const report = new OracleReport();
      for (let schemaNumber = 1; settings.goesOn(report); schemaNumber++) {
        const { database, schema, sessionStart } = await createDatabase(server, settings.seed, schemaNumber);
        await using subject = await EngineSubject.open(
          server.connectionOptions(database),
          schema.tracked,
          sessionStart,
        );
        await runOracle(
          { ...settings, schemaNumber, schema, subject, statements: settings.perSchema, learnedShare: 0.6 },
          report,
        );
      }
      process.stdout.write(`oracle (engine), ORACLE_SEED=${settings.seed}: ${report.toString()}\n`);
      expect(report.failures.join('\n\n')).toBe('');
      expect(report.share).toBeGreaterThan(0.2);
    },
    settings.timeoutMs,
  );
});
