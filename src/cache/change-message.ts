import type { ChangedPlace } from './shared-change-feed';

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
