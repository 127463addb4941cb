import type { OracleReport } from './run-oracle';

export interface OracleSettings {
  readonly seed: number;
  /** Statements over one schema before the next is made. */
  readonly perSchema: number;
  /** When to stop at the latest, in milliseconds as `Date.now()` counts. */
  readonly endsAt: number;
  /** For the test as a whole, in milliseconds. */
  readonly timeoutMs: number;
  goesOn(report: OracleReport): boolean;
}

/**
 * How much to run: ORACLE_STATEMENTS and ORACLE_SECONDS, whichever is reached first; with ORACLE_SEED a run is repeated.
 * A seed is a number of up to ten digits.
 */
export function oracleSettings(defaults: {
  readonly statements: number;
  readonly seconds: number;
  readonly perSchema: number;
}): OracleSettings {
  const number = (name: string): number | undefined => {
    const value = process.env[name];
    if (value === undefined || value === '') return undefined;
    if (!/^\d{1,10}$/.test(value)) throw new Error(`${name} is not a number: ${value}`);
    return Number(value);
  };
  const statements = number('ORACLE_STATEMENTS');
  const seconds = number('ORACLE_SECONDS') ?? (statements === undefined ? defaults.seconds : 24 * 3_600);
  const maxStatements =
    statements ?? (number('ORACLE_SECONDS') === undefined ? defaults.statements : Infinity);
  const endsAt = Date.now() + seconds * 1_000;
  const maxFailures = 5;
  return {
    seed: number('ORACLE_SEED') ?? Math.floor(Math.random() * 2 ** 31),
    perSchema: defaults.perSchema,
    endsAt,
    timeoutMs: seconds * 1_000 + 120_000,
    goesOn: (report) =>
      report.statements < maxStatements && report.failures.length < maxFailures && Date.now() < endsAt,
  };
}
