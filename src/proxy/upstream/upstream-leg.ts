import { type Socket } from 'node:net';
import { type Duplex } from 'node:stream';
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

/** What can stand where the connection to the server does. */
export interface StandIn extends Duplex {
  /** Interrupts what it is doing. */
  cancel(): void;
}

/** A session's connection to the server: the attempts to open it, the one that succeeded, its end. */
export class UpstreamLeg {
  private readonly dial: UpstreamDial;
  private readonly cancelRequest: UpstreamCancel;
  /** What is read from and written to: `server`, until something stands in for it. */
  private opened: Duplex | undefined;
  private server: Socket | undefined;
  private standIn: StandIn | undefined;
  private announced: number | undefined;
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
    return this.server;
  }

  /** Of the process that serves the session, as the server announced it; undefined if it did not. */
  get processId(): number | undefined {
    return this.announced;
  }

  /** How the connection is; a request to cancel takes the same. */
  get encryption(): Encryption {
    return this.server !== undefined && isEncrypted(this.server) ? 'tls' : 'plain';
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
    this.server = socket;
    return this.attach(socket);
  }

  /** From now on something of ours stands where the server did, whose connection is closed. */
  standInBy(standIn: StandIn): Outlet {
    const { opened } = this;
    this.standIn = standIn;
    const outlet = this.attach(standIn);
    if (opened !== undefined) leaveServer(opened, 'drained');
    return outlet;
  }

  /** What comes from another stream after that is nobody's any more. */
  private attach(stream: Duplex): Outlet {
    const { listener } = this;
    this.opened = stream;
    this.isFull = false;
    const ifOurs = (act: () => void) => () => {
      if (this.opened === stream) act();
    };
    const congestion = (isFull: boolean) =>
      ifOurs(() => {
        this.isFull = isFull;
        listener.congestionChanged();
      });
    const outlet = new Outlet(stream, congestion(true));
    stream.on('data', (chunk: Buffer) => {
      if (this.opened !== stream) return;
      if (stream === this.server) this.host.traffic.bytesFromUpstream += chunk.length;
      if (listener.sent(chunk) && stream === this.server) doneWithChunk(this.server);
    });
    stream.on('drain', congestion(false));
    const ended = ifOurs(() => listener.ended());
    stream.on('end', ended);
    stream.on('error', (error) => listener.lost(error));
    stream.on('close', ended);
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
    this.server = undefined;
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
    this.announced = request.processId;
    this.cancelRequest.keyReceived(request);
  }

  /** Interrupts what the server runs for this session. Resolves, never rejects, when the request's connection is closed. */
  cancel(): Promise<void> {
    if (this.standIn === undefined) return this.cancelRequest.send(this.encryption);
    this.standIn.cancel();
    return Promise.resolve();
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
