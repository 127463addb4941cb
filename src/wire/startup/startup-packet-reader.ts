import { PgError, protocolViolation } from '../../errors/pg-error';
import { cancelRequestCode, decodeCancelRequest, type CancelRequest } from './cancel-request';
import { gssEncRequestCode, sslRequestCode, type EncryptionRequest } from './encryption-request';
import { decodeStartupParameters, type StartupMessage } from './startup-message';

/** PostgreSQL's own bound on a startup packet: MAX_STARTUP_PACKET_LENGTH, in which its length word is not counted. */
export const maxStartupPacketBytes = 10_004;
const minStartupPacketBytes = 8;

/** A packet of a version that is not 3, or with parameters that cannot be read: only the server can say what it makes of it. */
export interface UnknownRequest {
  readonly kind: 'UnknownRequest';
}

export type StartupRequest = StartupMessage | EncryptionRequest | CancelRequest | UnknownRequest;

export interface StartupPacket {
  readonly request: StartupRequest;
  /** The packet as it came, length word included. */
  readonly bytes: Buffer;
}

/**
 * Reads the packets a connection begins with, which have no first byte. Bytes behind a packet stay inside: the next
 * packet, or (after StartupMessage) the beginning of the typed messages, to be taken with `takeRest`.
 * Throws PgError 08P01 as soon as the bytes cannot be such a packet.
 */
export class StartupPacketReader {
  private received: Buffer = Buffer.alloc(0);

  feed(chunk: Buffer): void {
    this.received = this.received.length === 0 ? chunk : Buffer.concat([this.received, chunk]);
  }

  /** The next packet, or undefined while it is incomplete. */
  next(): StartupPacket | undefined {
    const { received } = this;
    if (received.length < 4) return undefined;
    const length = received.readUInt32BE(0);
    if (length < minStartupPacketBytes || length > maxStartupPacketBytes) {
      throw protocolViolation('invalid length of startup packet');
    }
    if (received.length < length) return undefined;
    const bytes = received.subarray(0, length);
    this.received = received.subarray(length);
    return { request: decodeRequest(bytes), bytes };
  }

  takeRest(): Buffer {
    const rest = this.received;
    this.received = Buffer.alloc(0);
    return rest;
  }
}

function decodeRequest(bytes: Buffer): StartupRequest {
  const code = bytes.readUInt32BE(4);
  const body = bytes.subarray(8);
  switch (code) {
    case sslRequestCode:
    case gssEncRequestCode:
      if (body.length > 0) throw protocolViolation('invalid length of startup packet');
      return { kind: code === sslRequestCode ? 'SSLRequest' : 'GSSENCRequest' };
    case cancelRequestCode:
      return decodeCancelRequest(body);
    default:
      return decodeParameters(code, body) ?? { kind: 'UnknownRequest' };
  }
}

function decodeParameters(version: number, body: Buffer): StartupMessage | undefined {
  if (version >>> 16 !== 3) return undefined;
  try {
    return decodeStartupParameters(version, body);
  } catch (error) {
    if (error instanceof PgError) return undefined;
    throw error;
  }
}
