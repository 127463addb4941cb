import type { PostgresServer } from '../support/postgres-server';
import { scriptDatabase, startScriptServer } from '../support/wire-script/script-server';
import type { Conversation } from './conversation';
import { fuzzBareSessions } from './fuzz-bare-sessions';
import { fuzzDecoders } from './fuzz-decoders';
import { fuzzListener } from './fuzz-listener';
import { fuzzProcess } from './fuzz-process';
import { recordConversations } from './record-conversations';
import type { Budget, Tally } from './tally';

export interface FuzzOptions {
  readonly seed: number;
  /** Mutated messages in all. */
  readonly messages: number;
  readonly seconds: number;
  /** Names of the parts to run; default: all. */
  readonly parts?: readonly string[];
}

interface Part {
  readonly name: string;
  /** What it gets of the messages and of the time. */
  readonly share: number;
  readonly timeShare: number;
  run(conversations: readonly Conversation[], server: PostgresServer, budget: Budget): Promise<Tally> | Tally;
}

const parts: readonly Part[] = [
  { name: 'decoders', share: 0.75, timeShare: 0.35, run: (said, _, budget) => fuzzDecoders(said, budget) },
  { name: 'sessions', share: 0.23, timeShare: 0.3, run: (said, _, budget) => fuzzBareSessions(said, budget) },
  { name: 'listener', share: 0.01, timeShare: 0.15, run: fuzzListener },
  { name: 'process', share: 0.01, timeShare: 0.2, run: fuzzProcess },
];

/** How much this process may grow over all parts; most of it is what the recorded events take. */
const maxGrowthBytes = 512 * 1024 * 1024;

/** Runs all parts on a server of their own, and says how each went. Resolves to the broken promises. */
export async function runFuzz(options: FuzzOptions, say: (line: string) => void): Promise<readonly string[]> {
  const { seed, messages, seconds } = options;
  say(`FUZZ_SEED=${seed} FUZZ_MESSAGES=${messages} FUZZ_SECONDS=${seconds}`);
  // Sessions that are left waiting must not use up the server's.
  const server = await startScriptServer('embedded', {
    client_connection_check_interval: '200ms',
    lock_timeout: '500ms',
    statement_timeout: '2s',
  });
  const chosen = parts.filter(({ name }) => options.parts?.includes(name) !== false);
  const shares = chosen.reduce((sum, { share }) => sum + share, 0);
  const timeShares = chosen.reduce((sum, { timeShare }) => sum + timeShare, 0);
  const faults: string[] = [];
  try {
    const conversations = await recordConversations({
      ...{ port: server.port, user: server.user, database: scriptDatabase },
    });
    say(`${conversations.length} conversations recorded`);
    const before = process.memoryUsage.rss();
    let mutated = 0;
    for (const { name, share, timeShare, run } of chosen) {
      const began = performance.now();
      const endsAt = began + (seconds * 1000 * timeShare) / timeShares;
      const tally = await run(conversations, server, {
        seed,
        messages: Math.ceil((messages * share) / shares),
        endsAt,
      });
      mutated += tally.mutated;
      say(`${name}, ${Math.round((performance.now() - began) / 1000)} s: ${String(tally)}`);
      faults.push(...tally.faults.map((fault) => `${name}: ${fault}`));
    }
    const growth = process.memoryUsage.rss() - before;
    say(`${mutated} mutated messages; this process has grown by ${Math.round(growth / 1e6)} MB`);
    if (growth > maxGrowthBytes) faults.push(`this process has grown by ${growth} bytes`);
    const crashes = server.logText.match(/.* was terminated by signal.*/g) ?? [];
    for (const crash of crashes) say(`the server itself has crashed: ${crash}`);
  } finally {
    await server.stop();
  }
  return faults;
}
