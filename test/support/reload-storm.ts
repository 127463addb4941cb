import { renameSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { parse, stringify } from 'yaml';
import type { ProxiedDatabase } from './proxied-database';
import { until } from './until';

/** Between two signals: more than come to be reloads. */
const pauseMs = 15;
/** Each reload has the catalog read again, and nothing is restricted until it is: after so many there is time to. */
const signalsPerGust = 20;
const lullMs = 300;
const signalsPerPhase = 60;
const outcomes = ['configuration reloaded', 'the configuration is not reloaded; the old one stays'];

/** What a program has open. */
export interface Openings {
  readonly openFiles: number;
  /** Those of pcache's own at the server. */
  readonly connections: number;
}

/** Has a program read its configuration again, and again, and again. */
export class ReloadStorm {
  private signals = 0;
  private readonly heaps: number[] = [];
  private readonly reloadsBefore: readonly number[];

  /** @param untouched the configuration it began with */
  constructor(
    private readonly database: ProxiedDatabase,
    private readonly untouched: string,
  ) {
    this.reloadsBefore = this.reloads();
  }

  /** For so many milliseconds; what the heap was at its least in it is kept. */
  async blow(forMs: number): Promise<void> {
    const { database, untouched } = this;
    const config = parse(untouched);
    const end = performance.now() + forMs;
    let least = Infinity;
    while (performance.now() < end) {
      const n = this.signals++;
      // What engines work by changes now and then, so that they come to restrict; the limits of sessions all the time.
      const phase = Math.floor(n / signalsPerPhase);
      const other = {
        ...config,
        mode: phase % 4 === 3 ? 'off' : 'on',
        population: { ...config.population, duty: 1 / (1 + (phase % 7)) },
        limits: { memory_bytes: 2 ** 27 + (phase % 3), login_timeout_ms: 50_000 + (n >> 3) },
      };
      const same = stringify(other);
      const texts = [same, 'mode: [', same, stringify({ ...other, mode: 'of', nothing: 1 })];
      // Whole at every moment: what is half written is broken, and not what is tried here.
      const next = `${database.configFile}.next`;
      writeFileSync(next, texts[n % texts.length] ?? '');
      renameSync(next, database.configFile);
      database.signal('SIGHUP');
      const isLull = n % signalsPerGust === 0;
      await delay(isLull ? lullMs : pauseMs);
      if (!isLull) continue;
      least = Math.min(least, (await database.metrics()).get('pcache_nodejs_heap_size_used_bytes') ?? NaN);
    }
    this.heaps.push(least);
  }

  /** Waits until the program follows the configuration it began with, and has closed what it had for another. */
  async quiet(): Promise<Openings> {
    await this.database.reload(() => this.untouched);
    const seen: Openings[] = [];
    return until('it has settled', async () => {
      seen.push({
        openFiles: (await this.database.metrics()).get('pcache_process_open_fds') ?? NaN,
        connections: await this.connections(),
      });
      const last = seen.slice(-10);
      return last.length === 10 && new Set(last.map((each) => JSON.stringify(each))).size === 1 && last[0];
    });
  }

  /** Bytes by which the heap at its least was more in the last part than in the second: the first one warms up. */
  get heapGrowth(): number {
    const [, second = NaN] = this.heaps;
    return this.heaps.length < 3 ? 0 : (this.heaps.at(-1) ?? NaN) - second;
  }

  get summary(): string {
    const [applied, refused] = this.reloads().map((count, i) => count - (this.reloadsBefore[i] ?? 0));
    const heaps = this.heaps.map((bytes) => (bytes / 1e6).toFixed(0)).join(', ');
    return `${this.signals} signals, ${applied} reloads and ${refused} refused; least heap of each part ${heaps} MB`;
  }

  private reloads(): readonly number[] {
    return outcomes.map((message) => this.database.logged(message).length);
  }

  private async connections(): Promise<number> {
    const client = new Client(this.database.direct);
    await client.connect();
    const { rows } = await client.query<{ n: number }>(
      `select count(*)::int as n from pg_stat_activity where usename = 'pcache'`,
    );
    await client.end();
    return rows[0]?.n ?? NaN;
  }
}
