import { connect, type Socket } from 'node:net';
import { type PostgresServer } from '../../test/support/postgres-server';
import { encodeBind } from '../../src/wire/frontend/bind';
import { encodeCopyData } from '../../src/wire/frontend/copy-data';
import { encodeCopyDone } from '../../src/wire/frontend/copy-done';
import { encodeExecute } from '../../src/wire/frontend/execute';
import { encodeParse } from '../../src/wire/frontend/parse';
import { encodeQuery } from '../../src/wire/frontend/query';
import { encodeSync } from '../../src/wire/frontend/sync';
import { encodeStartupMessage } from '../../src/wire/startup/startup-message';
import { median } from '../statistics';
import { database, type Contender, type ContenderName } from './contenders';

const megabytes = 100;
const smallRows = `select repeat('x', 86) from generate_series(1, 1000000)`;
const largeRows = `select repeat('x', 1000000) from generate_series(1, 100)`;
const readyForQuery = Buffer.from('5a0000000549', 'hex');

/** What is moved: 100 MB, in one direction. */
export const bulkKinds = {
  'small rows, simple': (client) => client.ask(encodeQuery({ query: smallRows })),
  'small rows, extended': (client) => client.ask(extended(smallRows)),
  'large rows, simple': (client) => client.ask(encodeQuery({ query: largeRows })),
  'large rows, extended': (client) => client.ask(extended(largeRows)),
  'COPY IN': (client) => client.copyIn(),
} as const satisfies Readonly<Record<string, (client: BulkClient) => Promise<void>>>;
export type BulkKind = keyof typeof bulkKinds;

export interface BulkMeasurement {
  readonly kind: BulkKind;
  readonly contender: ContenderName;
  /** Medians over the rounds; the ratio is to direct in the same round. */
  readonly megabytesPerSecond: number;
  readonly ratio: number;
}

/** A client that looks at nothing but the end of what it gets, so that as little as possible of what is measured is its own. */
class BulkClient {
  private tail = Buffer.alloc(0);
  private ready: (() => void) | undefined;

  private constructor(private readonly socket: Socket) {
    socket.on('data', (chunk) => {
      this.tail = chunk.length >= 6 ? chunk.subarray(-6) : Buffer.concat([this.tail, chunk]).subarray(-6);
      if (this.tail.equals(readyForQuery)) this.ready?.();
    });
  }

  static async login(port: number, user: string): Promise<BulkClient> {
    const client = new BulkClient(connect({ host: '127.0.0.1', port, noDelay: true }));
    const parameters = new Map([
      ['user', user],
      ['database', database],
    ]);
    await client.ask(encodeStartupMessage({ majorVersion: 3, minorVersion: 0, parameters }));
    return client;
  }

  /** Resolves when the server is ready for the next query. Rejects when the connection is lost. */
  async ask(...messages: Buffer[]): Promise<void> {
    const answered = new Promise<void>((resolve, reject) => {
      this.ready = resolve;
      this.socket.once('error', reject);
      this.socket.once('close', () => reject(new Error('the connection was closed')));
    });
    for (const message of messages) {
      if (!this.socket.write(message)) await new Promise((resolve) => this.socket.once('drain', resolve));
    }
    await answered;
    this.socket.removeAllListeners('error').removeAllListeners('close');
  }

  async copyIn(): Promise<void> {
    const row = Buffer.from(`${'x'.repeat(999)}\n`);
    const data = encodeCopyData(Buffer.concat(Array.from({ length: 50 }, () => row)));
    const parts = Array.from({ length: (megabytes * 1_000_000) / (50 * row.length) }, () => data);
    await this.ask(encodeQuery({ query: 'copy bulk from stdin' }), ...parts, encodeCopyDone());
  }

  close(): void {
    this.socket.destroy();
  }
}

/** Moves 100 MB of each kind through each contender, in turns. */
export async function measureBulk(
  postgres: PostgresServer,
  contenders: readonly Contender[],
  rounds: number,
): Promise<readonly BulkMeasurement[]> {
  const admin = await BulkClient.login(postgres.port, postgres.user);
  await admin.ask(encodeQuery({ query: 'create unlogged table if not exists bulk (line text)' }));
  const all: BulkMeasurement[] = [];
  for (const kind of Object.keys(bulkKinds) as BulkKind[]) {
    const seconds = new Map<ContenderName, number[]>(contenders.map(({ name }) => [name, []]));
    for (let round = 0; round < rounds; round++) {
      for (const [i] of contenders.entries()) {
        const contender = contenders[(i + round) % contenders.length];
        if (contender === undefined) continue;
        await admin.ask(encodeQuery({ query: 'truncate bulk' }));
        const client = await BulkClient.login(contender.port, postgres.user);
        const began = performance.now();
        await bulkKinds[kind](client);
        seconds.get(contender.name)?.push((performance.now() - began) / 1000);
        client.close();
      }
    }
    const direct = seconds.get('direct') ?? [];
    for (const [contender, taken] of seconds) {
      const ratio = median(taken.map((each, round) => (direct[round] ?? NaN) / each));
      all.push({ kind, contender, megabytesPerSecond: megabytes / median(taken), ratio });
    }
  }
  await admin.ask(encodeQuery({ query: 'drop table bulk' }));
  admin.close();
  return all;
}

function extended(query: string): Buffer {
  return Buffer.concat([
    encodeParse({ statementName: '', query, parameterTypeOids: [] }),
    encodeBind({
      portalName: '',
      statementName: '',
      parameterFormats: [],
      parameters: [],
      resultFormats: [],
    }),
    encodeExecute({ portalName: '', maxRows: 0 }),
    encodeSync(),
  ]);
}
