import {
  hasPostgresBinaries,
  startPostgres,
  type PostgresBinaries,
  type PostgresServer,
} from '../support/postgres-server';
import { OracleReport } from './oracle-report';
import { runLanes, type OpenSubject } from './run-lanes';

/** How much `npm test` runs. More of it: `npm run oracle`. */
export interface OracleSize {
  readonly statements: number;
  readonly perSchema: number;
}

const versions: readonly PostgresBinaries[] = ['embedded', 'debian15'];
/** What a run may take before it ends early, in milliseconds: on a slow machine there are fewer statements. */
const maxMs = 75_000;
const lanes = 3;

/**
 * The oracle as a test: random statements over random schemas, each answer compared with the server's own. What was run, and
 * how much of it was restricted, is in the output; so is the seed, with which a run can be had again (ORACLE_SEED).
 */
export function describeOracle(name: string, open: OpenSubject, { statements, perSchema }: OracleSize): void {
  const seed = seedOf(process.env['ORACLE_SEED']);

  describe.each(versions)(`oracle: ${name}, PostgreSQL of %s`, (binaries) => {
    let server: PostgresServer;
    beforeAll(async () => {
      if (hasPostgresBinaries(binaries))
        server = await startPostgres({ binaries, settings: { jit: 'off', log_min_messages: 'log' } });
    });
    afterAll(() => (hasPostgresBinaries(binaries) ? server.stop() : undefined));

    (hasPostgresBinaries(binaries) ? test : test.skip)(
      `restricted or not, a statement returns the rows that the server returns${hasPostgresBinaries(binaries) ? '' : ': not installed'}`,
      async () => {
        const report = new OracleReport();
        const options = {
          ...({ seed, perSchema, lanes, method: 'random' } as const),
          endsAt: Date.now() + maxMs,
          maxStatements: statements,
        };
        await runLanes(server, open, { ...options, firstSchema: 1 }, report);
        process.stdout.write(`oracle, ${name}, ${binaries}: ORACLE_SEED=${seed}\n${report.toString()}\n`);
        expect(report.failures.join('\n\n')).toBe('');
        // Otherwise it would prove nothing.
        expect(report.share).toBeGreaterThan(0.15);
      },
      maxMs + 60_000,
    );
  });
}

function seedOf(text: string | undefined): number {
  if (text === undefined || text === '') return Math.floor(Math.random() * 2 ** 31);
  if (!/^\d{1,10}$/.test(text)) throw new Error(`ORACLE_SEED is not a number: ${text}`);
  return Number(text);
}
