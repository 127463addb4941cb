import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { protocols, type Protocol } from './pgbench';

export interface OverheadOptions {
  /** Length of each pgbench run. */
  readonly seconds: number;
  /** How often every way is measured. */
  readonly rounds: number;
  readonly scale: number;
  /** How often 100 MB are moved each way. */
  readonly bulkRounds: number;
  readonly protocols: readonly Protocol[];
  /** Numbers of clients. */
  readonly clients: readonly number[];
  /** The proxy to measure: a main.js. */
  readonly main: string;
  /** Print one JSON document on stdout and nothing else there. */
  readonly json: boolean;
}

export const usage = `npm run bench:overhead -- [options]

pgbench -S on a PostgreSQL of its own: direct, through a raw TCP relay, PgBouncer if it is installed, and the
proxy, in turns; then results and a COPY of 100 MB.

  --seconds N    length of each run (default: 1)
  --rounds N     runs of each kind, medians are shown (default: 6)
  --scale N      pgbench's scale factor (default: 10, a million accounts)
  --protocols L  of simple,extended,prepared (default: all)
  --clients L    numbers of clients (default: 1,8,32)
  --bulk-rounds N how often 100 MB are moved each way (default: 3)
  --main FILE    the proxy to measure (default: dist/main.js)
  --json         print the measurements as JSON, alone on stdout
  --help         print this
`;

/** Throws a TypeError that says what is wrong; resolves to undefined if help was asked for. */
export function readOptions(args: readonly string[]): OverheadOptions | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seconds: { type: 'string', default: '1' },
      rounds: { type: 'string', default: '6' },
      'bulk-rounds': { type: 'string', default: '3' },
      scale: { type: 'string', default: '10' },
      protocols: { type: 'string', default: protocols.join() },
      clients: { type: 'string', default: '1,8,32' },
      main: { type: 'string', default: join(__dirname, '..', '..', 'dist', 'main.js') },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  return {
    seconds: positive('seconds', values.seconds),
    rounds: positive('rounds', values.rounds),
    bulkRounds: positive('bulk-rounds', values['bulk-rounds']),
    scale: positive('scale', values.scale),
    protocols: values.protocols.split(',').map(protocolNamed),
    clients: values.clients.split(',').map((count) => positive('clients', count)),
    main: values.main,
    json: values.json,
  };
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) {
    throw new TypeError(`--${name}: expected a whole number from 1, got ${text}`);
  }
  return value;
}

function protocolNamed(name: string): Protocol {
  const protocol = protocols.find((known) => known === name);
  if (protocol === undefined)
    throw new TypeError(`--protocols: expected some of ${protocols.join()}, got ${name}`);
  return protocol;
}
