import type { Socket } from 'node:net';
import type { Engine } from '../../src/engine/engine';
import { PgError } from '../../src/errors/pg-error';
import { Outlet } from '../../src/proxy/session/outlet';
import { defaultLimits } from '../../src/proxy/proxy-limits';
import { ScannedSession } from '../../src/proxy/scan/scanned-session';
import { FrameReader } from '../../src/wire/frame-reader';
import { backendTreatments } from '../../src/wire/frame-treatments';
import { RecordedEvents } from '../support/recorded-proxy';

/** How much a session looks at; the small ones make it meet messages in pieces. */
export interface BareLimits {
  readonly maxInspectedBytes: number;
  readonly maxHeldBytes: number;
}

/**
 * The scanned part of a session without sockets: bytes go in on both sides by calls, and what comes out is collected. An error
 * ends it as it would end the connections.
 */
export class BareSession {
  /** Why it ended: a protocol violation of a side, or a fault of ours. */
  end: string | undefined;
  fault: unknown;
  isHeld = false;
  readonly events = new RecordedEvents();
  private readonly session: ScannedSession;
  private readonly reader: FrameReader;
  private readonly toServer: Buffer[] = [];

  constructor(engine: Engine, { maxInspectedBytes, maxHeldBytes }: BareLimits) {
    const treatments = backendTreatments();
    this.reader = new FrameReader(treatments, maxInspectedBytes, 'backend');
    const log = { debug: nothing, info: nothing, warn: nothing, error: nothing };
    this.session = new ScannedSession(
      {
        database: 'bare',
        engine,
        mode: 'on',
        limits: { ...defaultLimits, maxInspectedBytes, maxHeldBytes },
        events: this.events,
        log,
        toClient: new Outlet(sink(nothing), nothing),
        toUpstream: new Outlet(
          sink((bytes) => void this.toServer.push(bytes)),
          nothing,
        ),
        holdClient: (isHeld) => void (this.isHeld = isHeld),
        terminated: nothing,
        guard: (action) => this.guard('upstream', action),
        cancelUpstream: () => Promise.resolve(),
        serverProcessId: () => undefined,
        becameIdle: nothing,
      },
      this.reader,
      treatments,
    );
  }

  fromClient(chunk: Buffer): void {
    this.guard('client', () => this.session.fromClient(chunk));
  }

  fromServer(chunk: Buffer): void {
    this.guard('upstream', () => {
      this.reader.feed(chunk);
      this.session.fromUpstream();
    });
  }

  /** What was sent to the server since the last call. */
  takeSent(): Buffer {
    return Buffer.concat(this.toServer.splice(0));
  }

  close(): void {
    this.session.close();
  }

  private guard(side: 'client' | 'upstream', action: () => void): void {
    if (this.end !== undefined) return;
    try {
      action();
    } catch (error) {
      if (!(error instanceof PgError) || error.sqlState !== '08P01') this.fault ??= error;
      else if (side === 'client' && this.session.passRestUnread(error)) return;
      this.end = `${side} violation`;
    }
  }
}

function nothing(): void {
  // Nobody wants to know.
}

/** What an outlet needs of a socket that takes everything at once. */
function sink(write: (bytes: Buffer) => void): Socket {
  const socket = {
    writable: true,
    writableLength: 0,
    cork: nothing,
    uncork: nothing,
    write: (bytes: Buffer): boolean => {
      write(bytes);
      return true;
    },
  };
  return socket as unknown as Socket;
}
