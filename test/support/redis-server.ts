import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from './free-port';
import { temporaryDirectory } from './temporary-directory';
import { until } from './until';

const binary = '/usr/bin/redis-server';
/** Tests that need a Redis say so in their titles where there is none. */
export const hasRedis = existsSync(binary);

/** As in redis.conf, in pairs: `['maxmemory', '2mb']`. */
export type RedisSettings = readonly (readonly [string, string])[];

/** A redis-server of the test's own, without any of its data on disk. */
export interface RedisServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  readonly process: ChildProcess;
  /** Ends it without a word, as by SIGKILL, and resolves when it is gone. */
  kill(): Promise<void>;
  /** Starts it again on the same port; what it held is gone. */
  restart(): Promise<void>;
}

/** A `port` among the settings is another one, such as 0 for a server with a `tls-port`. */
export async function startRedis(settings: RedisSettings = []): Promise<RedisServer> {
  const port = await freePort();
  const all: RedisSettings = [['port', String(port)], ['save', ''], ['appendonly', 'no'], ...settings];
  return startProgram(port, all, 'Ready to accept connections');
}

/** A Sentinel; it keeps what it learns in its configuration file. */
export async function startSentinel(settings: RedisSettings): Promise<RedisServer> {
  const port = await freePort();
  return startProgram(port, [['port', String(port)], ...settings], 'Sentinel ID is', ['--sentinel']);
}

async function startProgram(
  port: number,
  settings: RedisSettings,
  readyText: string,
  options: readonly string[] = [],
): Promise<RedisServer> {
  const host = '127.0.0.1';
  const directory = await temporaryDirectory('redis');
  const file = join(directory.path, 'redis.conf');
  const lines = [['bind', host], ['dir', directory.path], ...settings];
  writeFileSync(file, lines.map(([name, value]) => `${name} ${value === '' ? '""' : value}\n`).join(''));
  let child = await start();

  async function start(): Promise<ChildProcess> {
    const started = spawn(binary, [file, ...options], { stdio: ['ignore', 'pipe', 'inherit'] });
    let log = '';
    started.stdout.setEncoding('utf8').on('data', (text: string) => (log += text));
    const isReady = (): boolean => {
      if (started.exitCode !== null) throw new Error(`redis-server ended (${started.exitCode}): ${log}`);
      return log.includes(readyText);
    };
    // After a crash it may have much to read.
    await until('redis-server is ready', isReady, { deadlineMs: 120_000 });
    return started;
  }

  async function kill(): Promise<void> {
    const gone = new Promise((resolve) => child.once('exit', resolve));
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await gone;
  }

  return {
    host,
    port,
    get process() {
      return child;
    },
    kill,
    restart: async () => {
      await kill();
      child = await start();
    },
    [Symbol.asyncDispose]: async () => {
      await kill();
      await directory[Symbol.asyncDispose]();
    },
  };
}
