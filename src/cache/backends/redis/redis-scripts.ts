import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Cluster, Redis } from 'ioredis';

/** `lua/cache`, seen from src/cache/backends/redis and from dist alike. */
const directory = join(__dirname, '..', '..', '..', '..', 'lua', 'cache');

interface Script {
  readonly text: string;
  readonly sha1: string;
}

export type RedisArgument = string | Buffer | number;

let scripts: ReadonlyMap<string, Script> | undefined;

function script(name: string): Script {
  scripts ??= new Map(readdirSync(directory).map((file) => [file.replace(/\.lua$/, ''), load(file)]));
  const found = scripts.get(name);
  if (found === undefined)
    throw new Error(`lua/cache/${name}.lua is missing; this installation is incomplete`);
  return found;
}

function load(file: string): Script {
  const text = readFileSync(join(directory, file), 'utf8');
  return { text, sha1: createHash('sha1').update(text).digest('hex') };
}

/** Runs a script of lua/cache on the server that has its keys; strings of the reply are buffers. */
export async function runScript(
  client: Redis | Cluster,
  name: string,
  keys: readonly string[],
  args: readonly RedisArgument[],
): Promise<unknown> {
  const { text, sha1 } = script(name);
  try {
    return await client.callBuffer('EVALSHA', sha1, keys.length, ...keys, ...args);
  } catch (error) {
    // A server forgets its scripts when it restarts; another one of a cluster has never had them.
    if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
    return client.callBuffer('EVAL', text, keys.length, ...keys, ...args);
  }
}
