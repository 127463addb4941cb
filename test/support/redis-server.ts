import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { Redis } from 'ioredis';
import { freePort } from './free-port';
import { temporaryDirectory } from './temporary-directory';
import { until } from './until';

const binary = '/usr/bin/redis-server';
/** Tests that need a Redis say so in their titles where there is none. */
export const hasRedis = existsSync(binary);

/** A redis-server of the test's own, without anything on disk. */
export interface RedisServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  readonly process: ChildProcess;
  /** Ends it without a word, as by SIGKILL, and resolves when it is gone. */
  kill(): Promise<void>;
  /** Starts it again on the same port; what it held is gone. */
  restart(): Promise<void>;
}

/** @param settings as in redis.conf, in pairs: `['maxmemory', '2mb']` */
export async function startRedis(
  settings: readonly (readonly [string, string])[] = [],
): Promise<RedisServer> {
  const directory = await temporaryDirectory('redis');
  const host = '127.0.0.1';
  const port = await freePort();
  const args = [
    ...['--port', String(port), '--bind', host, '--dir', directory.path, '--save', '', '--appendonly', 'no'],
    ...settings.flatMap(([name, value]) => [`--${name}`, value]),
  ];
  let child = await start();

  async function start(): Promise<ChildProcess> {
    const started = spawn(binary, args, { stdio: 'ignore' });
    const password = settings.find(([name]) => name === 'requirepass')?.[1];
    const probe = new Redis({
      host,
      port,
      lazyConnect: true,
      ...(password === undefined ? {} : { password }),
    });
    probe.on('error', () => undefined);
    await until('redis-server answers', async () => {
      if (started.exitCode !== null) throw new Error(`redis-server ended with ${started.exitCode}`);
      return probe.ping().then(
        () => true,
        () => false,
      );
    });
    probe.disconnect();
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
