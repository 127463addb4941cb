import type { OracleReport } from './run-oracle';

export interface OracleSettings {
  readonly seed: number;
  /** The run ends after so many, at the end of a schema. */
  readonly seconds: number;
  /** Statements over one schema before the next is made. */
  readonly perSchema: number;
  /** Whether the run is over, `endsAt` in milliseconds as `Date.now()` counts. */
  isEnough(report: OracleReport, endsAt: number): boolean;
}

/** Of `npm run test:long`, if nothing is said. */
const longSeconds = 30 * 60;
const maxSeconds = 24 * 3_600;
/** More failures of one run say little more. */
const maxFailures = 5;

/**
 * How much to run: ORACLE_STATEMENTS and ORACLE_SECONDS, whichever is reached first; with ORACLE_SEED a run is repeated.
 * Each is a number of up to ten digits.
 */
export function oracleSettings(defaults: {
  readonly statements: number;
  readonly seconds: number;
  readonly perSchema: number;
}): OracleSettings {
  const statements = numberIn('ORACLE_STATEMENTS');
  const seconds = numberIn('ORACLE_SECONDS');
  const isLong = process.env['ORACLE_LONG'] === '1';
  // Either alone sets aside the default of the other.
  const maxStatements = statements ?? (seconds === undefined && !isLong ? defaults.statements : Infinity);
  return {
    seed: numberIn('ORACLE_SEED') ?? Math.floor(Math.random() * 2 ** 31),
    seconds: seconds ?? (statements === undefined ? (isLong ? longSeconds : defaults.seconds) : maxSeconds),
    perSchema: defaults.perSchema,
    isEnough: (report, endsAt) =>
      report.statements >= maxStatements || report.failures.length >= maxFailures || Date.now() >= endsAt,
  };
}

function numberIn(name: string): number | undefined {
  const value = process.env[name];
  if (value === undefined || value === '') return undefined;
  if (!/^\d{1,10}$/.test(value)) throw new Error(`${name} is not a number: ${value}`);
  return Number(value);
}
