import { createHash } from 'node:crypto';
import type { ChangedPlace } from '../../shared-change-feed';
import type { CacheSchema } from './cache-schema';

/** A change as it is told to the other processes. They look at what is there now, so only the place matters. */
export interface ChangeMessage extends ChangedPlace {
  /** Which process made it: it has told its own listeners already. */
  readonly by: string;
}

/** Beyond that, only that anything may have changed can be told: PostgreSQL takes payloads shorter than 8000 bytes (manual, NOTIFY). */
const maxPayloadBytes = 7_900;

export function encodeChange(message: ChangeMessage): string {
  const payload = JSON.stringify(message);
  return Buffer.byteLength(payload) <= maxPayloadBytes ? payload : JSON.stringify({ by: message.by });
}

/** undefined for what no pcache has sent. */
export function decodeChange(payload: string): ChangeMessage | undefined {
  try {
    const message: unknown = JSON.parse(payload);
    return isMessage(message) ? message : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function isMessage(value: unknown): value is ChangeMessage {
  if (typeof value !== 'object' || value === null) return false;
  const { by, partitionKey, hash } = value as Record<string, unknown>;
  const isText = (field: unknown): boolean => field === undefined || typeof field === 'string';
  return typeof by === 'string' && isText(partitionKey) && isText(hash);
}

/** The channel of a backend's changes: an identifier has 63 bytes, schema and prefix may have as many each. */
export function changeChannel({ schema, tablePrefix }: CacheSchema, backend: string): string {
  const name = JSON.stringify([schema, tablePrefix, backend]);
  return `pcache_cache_${createHash('sha256').update(name).digest('hex').slice(0, 32)}`;
}
