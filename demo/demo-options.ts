import { parseArgs } from 'node:util';

export interface DemoOptions {
  /** End after the table instead of staying up. */
  readonly once: boolean;
  /** Print one JSON document on stdout and nothing else there; implies `once`. */
  readonly json: boolean;
  /** How often each question is asked each way. */
  readonly runs: number;
}

export const usage = `npm run demo -- [options]

Loads 135,233 places into a PostgreSQL of its own, starts the proxy in front of it, and asks questions both ways.

  --once      end after the table (default: stay up until Ctrl-C)
  --json      print the measurements as JSON, alone on stdout; implies --once
  --runs N    ask every question N times each way (default: 7)
  --help      print this
`;

/** Throws a TypeError that says what is wrong; resolves to undefined if help was asked for. */
export function readOptions(args: readonly string[]): DemoOptions | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      once: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      runs: { type: 'string', default: '7' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const runs = Number(values.runs);
  if (!Number.isInteger(runs) || runs < 1) {
    throw new TypeError(`--runs: expected a whole number from 1, got ${values.runs}`);
  }
  return { once: values.once || values.json, json: values.json, runs };
}
