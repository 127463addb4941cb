import { type Socket } from 'node:net';
import { doneWithChunk } from '../../postgres/plain-socket';
import { type Encryption } from '../../postgres/server-tls';
import { type CancelRequest } from '../../wire/startup/cancel-request';
import { leaveServer } from '../entrance/leave-taking';
import { Outlet } from '../session/outlet';
import { type ConnectionEnd } from '../proxy-events';
import { type SessionHost } from '../session/session-host';
import { UpstreamCancel } from './upstream-cancel';
import { isEncrypted } from './upstream-connection';
import { UpstreamDial } from './upstream-dial';

/** What a session hears of its connection to the server. */
export interface UpstreamListener {
  /** Returns whether nothing refers to the chunk any more. */
  sent(chunk: Buffer): boolean;
  /** The server will send nothing more. May be said twice. */
  ended(): void;
  lost(error: Error): void;
  /** Look at `isCongested`. */
  congestionChanged(): void;
}

/** A session's connection to the server: the attempts to open it, the one that succeeded, its end. */
export class UpstreamLeg {
  private readonly dial: UpstreamDial;
  private readonly cancelRequest: UpstreamCancel;
  private opened: Socket | undefined;
  private isLeft = false;
  private isFull = false;

  constructor(
    private readonly host: SessionHost,
    private readonly listener: UpstreamListener,
  ) {
    this.dial = new UpstreamDial(host.upstream, host.limits.connectTimeoutMs);
    this.cancelRequest = new UpstreamCancel(host);
  }

  /** undefined before it is open. */
  get socket(): Socket | undefined {
    return this.opened;
  }

  /** How the connection is; a request to cancel takes the same. */
  get encryption(): Encryption {
    return this.opened !== undefined && isEncrypted(this.opened) ? 'tls' : 'plain';
  }

  /** Whether bytes wait because the server does not read. */
  get isCongested(): boolean {
    return this.isFull;
  }

  /** What the server said on the way tried before, if it refused the client there. */
  get refusal(): Buffer | undefined {
    return this.dial.refusal;
  }

  /** Whether an open connection remains to be waited for. */
  get isGone(): boolean {
    return this.opened === undefined || this.opened.destroyed;
  }

  /** Opens a connection by the next way; undefined if the session has left meanwhile. Rejects with PgError 08006. */
  async open(): Promise<Outlet | undefined> {
    const socket = await this.dial.open();
    if (this.isLeft) {
      socket.destroy();
      return undefined;
    }
    const { listener } = this;
    this.opened = socket;
    this.isFull = false;
    const outlet = new Outlet(socket, () => {
      this.isFull = true;
      listener.congestionChanged();
    });
    socket.on('data', (chunk) => {
      this.host.traffic.bytesFromUpstream += chunk.length;
      if (listener.sent(chunk)) doneWithChunk(socket);
    });
    socket.on('drain', () => {
      this.isFull = false;
      listener.congestionChanged();
    });
    socket.on('end', () => listener.ended());
    socket.on('error', (error) => listener.lost(error));
    socket.on('close', () => listener.ended());
    return outlet;
  }

  /** Whether the server's first bytes are a refusal, and there is another way. */
  isToBeRepeated(answer: Buffer): boolean {
    return this.dial.isToBeRepeated(answer);
  }

  /** Gives the connection up, for another to be opened. */
  abandon(): void {
    const { opened } = this;
    this.opened = undefined;
    opened?.removeAllListeners();
    opened?.on('error', (error) => this.listener.lost(error));
    opened?.destroy();
  }

  pause(): void {
    this.opened?.pause();
  }

  resume(): void {
    this.opened?.resume();
  }

  /** The client will send nothing more. */
  end(): void {
    this.opened?.end();
  }

  keyReceived(request: CancelRequest): void {
    this.cancelRequest.keyReceived(request);
  }

  /** Interrupts what the server runs for this session. Resolves, never rejects, when the request's connection is closed. */
  cancel(): Promise<void> {
    return this.cancelRequest.send(this.encryption);
  }

  /** Closes the connection as fits the reason; one that is being opened is closed when it is. */
  leave(end: ConnectionEnd): void {
    this.isLeft = true;
    if (this.opened !== undefined) leaveServer(this.opened, end);
  }

  /** Cuts the connection. */
  destroy(): void {
    this.isLeft = true;
    this.opened?.destroy();
  }
}
