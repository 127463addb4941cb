import { MessageReader } from '../message-reader';
import { cstring, uint32 } from '../message-writer';

/** StartupMessage (F): the first packet of a session; no first byte, the length word comes first. */
export interface StartupMessage {
  readonly kind: 'StartupMessage';
  readonly majorVersion: number;
  readonly minorVersion: number;
  /** user, database, options, replication, run-time settings and `_pq_.` protocol options, in order. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** Decodes what follows the length and version words. */
export function decodeStartupParameters(version: number, body: Buffer): StartupMessage {
  const reader = new MessageReader(body, 'StartupMessage');
  const parameters = new Map<string, string>();
  for (let name = reader.cstring(); name !== ''; name = reader.cstring())
    parameters.set(name, reader.cstring());
  reader.finish();
  return {
    kind: 'StartupMessage',
    majorVersion: version >>> 16,
    minorVersion: version & 0xffff,
    parameters,
  };
}

export function encodeStartupMessage(message: Omit<StartupMessage, 'kind'>): Buffer {
  const fields = [...message.parameters].flatMap(([name, text]) => [cstring(name), cstring(text)]);
  const body = Buffer.concat([
    uint32(message.majorVersion * 0x10000 + message.minorVersion),
    ...fields,
    Buffer.of(0),
  ]);
  return Buffer.concat([uint32(body.length + 4), body]);
}

/** The database a session asks for: by default the one named like the user. */
export function startupDatabase(message: StartupMessage): string {
  return message.parameters.get('database') || (message.parameters.get('user') ?? '');
}

/**
 * Whether the session will speak the replication protocol, in which Query carries commands that are no SQL. Anything but
 * a spelling of "false" counts: what the server does with it, it decides itself.
 */
export function isReplication(message: StartupMessage): boolean {
  const text = message.parameters.get('replication');
  return text !== undefined && !/^(f|fa|fal|fals|false|n|no|of|off|0)$/i.test(text);
}
