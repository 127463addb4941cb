import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Cluster, Redis } from 'ioredis';

/** `lua`, seen from src/cache and from dist alike. */
const directory = join(__dirname, '..', '..', 'lua');

interface Script {
  readonly text: string;
  readonly sha1: string;
}

export type ScriptDirectory = 'cache' | 'queue';
export type RedisArgument = string | Buffer | number;

const loaded = new Map<ScriptDirectory, ReadonlyMap<string, Script>>();

function script(of: ScriptDirectory, name: string): Script {
  const scripts = loaded.get(of) ?? load(of);
  loaded.set(of, scripts);
  const found = scripts.get(name);
  if (found === undefined)
    throw new Error(`lua/${of}/${name}.lua is missing; this installation is incomplete`);
  return found;
}

function load(of: ScriptDirectory): ReadonlyMap<string, Script> {
  const files = readdirSync(join(directory, of)).map((file): [string, Script] => {
    const text = readFileSync(join(directory, of, file), 'utf8');
    return [file.replace(/\.lua$/, ''), { text, sha1: createHash('sha1').update(text).digest('hex') }];
  });
  return new Map(files);
}

/** Runs a script of a directory of lua/ on the server that has its keys; strings of the reply are buffers. */
export async function runScript(
  client: Redis | Cluster,
  of: ScriptDirectory,
  name: string,
  keys: readonly string[],
  args: readonly RedisArgument[],
): Promise<unknown> {
  const { text, sha1 } = script(of, name);
  // One array: of more than about 120,000 members of a set, a call with an argument each is more than the stack holds.
  const given = [keys.length, ...keys, ...args];
  try {
    return await client.callBuffer('EVALSHA', [sha1, ...given]);
  } catch (error) {
    // A server forgets its scripts when it restarts; another one of a cluster has never had them.
    if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
    return client.callBuffer('EVAL', [text, ...given]);
  }
}
