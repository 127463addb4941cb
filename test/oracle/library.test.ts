import { startPostgres } from '../support/postgres-server';
import { LibrarySubject } from './library-subject';
import { OracleReport } from './oracle-report';
import { runLanes } from './run-lanes';

/** Milliseconds; on a slow machine there are fewer statements. */
const maxMs = 20_000;

test(
  'applyCacheLazy: a statement that reads keys where they are returns the rows of the original, also when they have gone',
  async () => {
    await using server = await startPostgres({ settings: { jit: 'off' } });
    const seed = Number(process.env['ORACLE_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
    const report = new OracleReport();
    const options = { ...({ seed, perSchema: 40, lanes: 3, method: 'auto' } as const), maxStatements: 400 };
    await runLanes(
      server,
      LibrarySubject.open,
      { ...options, firstSchema: 1, endsAt: Date.now() + maxMs },
      report,
    );
    process.stdout.write(
      `oracle, library: ORACLE_SEED=${seed}: ${report.comparisons} comparisons, ${report.rewrites} restricted\n`,
    );
    expect(report.failures.join('\n\n')).toBe('');
    // Otherwise it would prove nothing.
    expect(report.rewrites).toBeGreaterThan(0);
  },
  maxMs + 60_000,
);
