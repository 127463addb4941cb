import { type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { PgError, protocolViolation } from '../../errors/pg-error';
import { encodePgError } from '../../wire/backend/error-response';
import { type CancelRequest } from '../../wire/startup/cancel-request';
import { type EncryptionRequest } from '../../wire/startup/encryption-request';
import {
  encodeStartupMessage,
  startupDatabase,
  type StartupMessage,
} from '../../wire/startup/startup-message';
import { type ClientFacts } from '../../ops/console/console-subjects';
import { StartupPacketReader, type StartupPacket } from '../../wire/startup/startup-packet-reader';
import { isForConsole, loginStartup } from '../console/console-door';
import { relayClientCancel } from './client-cancel';
import { ClientSession } from '../session/client-session';
import { Newcomer } from '../session/newcomer';
import { alpnProtocol } from './client-tls';
import { takeLeave } from './leave-taking';
import { type ConnectionEnd } from '../proxy-events';
import {
  adminShutdown,
  encryptionRequired,
  internalError,
  tooManyConnections,
} from '../session/session-errors';
import { type SessionHost } from '../session/session-host';
import { type NoPlace, type SessionPlace } from './session-places';

/** The first byte of a TLS handshake; no startup packet is long enough to begin with it. */
const tlsHandshakeByte = 0x16;

/**
 * reading    -> encrypting  SSLRequest answered with `S`, or direct TLS
 * encrypting -> reading     the handshake is done
 * reading    -> canceling   CancelRequest
 * reading    -> admitting   StartupMessage, or a packet only the server can judge: whether there is room is asked elsewhere
 * reading, admitting -> entered   there is room: a ClientSession has the connection from here on
 * any other  -> left        an end was reached, or an error said
 */
type EntrancePhase = 'reading' | 'encrypting' | 'canceling' | 'admitting' | 'entered' | 'left';

/** A client's connection from accept to close: how it begins is decided here, what follows is its session's. */
export class ClientEntrance {
  private phase: EntrancePhase = 'reading';
  private readonly packets = new StartupPacketReader();
  private readonly answered = new Set<EncryptionRequest['kind']>();
  private readonly loginEndsAt: number;
  private readonly timer: NodeJS.Timeout;
  private readonly hasFiles: boolean;
  private session: ClientSession | undefined;
  private place: SessionPlace | undefined;
  private end: ConnectionEnd = 'client';
  private readonly connectedAt = new Date();
  private isDirect = false;
  private isDraining = false;
  private readonly newcomer = new Newcomer();
  private hasReceived = false;

  private readonly onData = (chunk: Buffer): void => this.received(chunk);
  private readonly onEnd = (): void => {
    if (this.phase !== 'canceling') this.leave('client');
  };
  private readonly onError = (error: Error): void => {
    this.host.log.debug({ err: error, side: 'client' }, 'connection lost');
  };
  private readonly onClose = (): void => {
    this.leave('client');
    this.closed(this.end);
  };

  constructor(
    private client: Socket,
    private readonly host: SessionHost,
    /** Of this process; none is given twice. */
    readonly id: number,
  ) {
    const { loginTimeoutMs } = host.limits;
    this.loginEndsAt = performance.now() + loginTimeoutMs;
    this.timer = setTimeout(() => this.leave('loginTimeout'), loginTimeoutMs);
    this.hasFiles = host.hasFilesFor(client);
    this.listen(client);
  }

  /** What the operator may know of it. */
  get facts(): ClientFacts {
    const { client, session, connectedAt } = this;
    const parameters = session?.begin.startup?.parameters;
    const server = session?.isConsole === false ? session.upstream : undefined;
    const { host, port } = this.host.upstream;
    return {
      ...{ id: this.id, connectedAt, address: client.remoteAddress, port: client.remotePort },
      isEncrypted: this.isEncrypted,
      user: parameters?.get('user'),
      database: session?.begin.startup === undefined ? undefined : startupDatabase(session.begin.startup),
      application: parameters?.get('application_name'),
      state: session?.isConsole === true ? 'console' : (session?.conversation?.activity ?? 'starting'),
      server:
        server?.socket === undefined
          ? undefined
          : { host, port, processId: server.processId, isEncrypted: server.encryption === 'tls' },
    };
  }

  /** Ends the connection once it is idle, and not one that has just come. */
  drain(): void {
    this.isDraining = true;
    if (this.session !== undefined) this.session.drain();
    else if (!this.newcomer.isNew) this.shutDown();
    else this.newcomer.whenOld(() => this.drain());
  }

  /** Ends the connection now, interrupting what it runs. */
  shutDown(): void {
    if (this.session !== undefined) this.session.shutDown();
    else if (this.phase !== 'canceling') this.leave('drained', adminShutdown());
  }

  /** Cuts the connection. */
  destroy(): void {
    if (this.session !== undefined) this.session.destroy();
    else this.client.destroy();
  }

  private listen(client: Socket): void {
    client.on('data', this.onData);
    client.on('end', this.onEnd);
    client.on('error', this.onError);
    client.on('close', this.onClose);
  }

  private stopListening(client: Socket): void {
    client.off('data', this.onData);
    client.off('end', this.onEnd);
    client.off('close', this.onClose);
  }

  private received(chunk: Buffer): void {
    if (!this.isReading) return;
    const isFirst = !this.hasReceived;
    this.hasReceived = true;
    try {
      if (isFirst && chunk[0] === tlsHandshakeByte && this.host.clientTls !== undefined && !this.isUnix) {
        this.isDirect = true;
        this.encrypt(chunk);
        return;
      }
      this.host.traffic.bytesFromClients += chunk.length;
      this.packets.feed(chunk);
      let packet = this.packets.next();
      while (packet !== undefined && this.take(packet)) packet = this.packets.next();
    } catch (error) {
      this.failed(error);
    }
  }

  /** Whether another packet may follow. */
  private take(packet: StartupPacket): boolean {
    const { request } = packet;
    switch (request.kind) {
      case 'SSLRequest':
      case 'GSSENCRequest':
        this.answer(request.kind);
        return this.isReading;
      case 'CancelRequest':
        this.cancel(request, packet.bytes);
        return false;
      case 'StartupMessage':
        this.enter(packet, request);
        return false;
      case 'UnknownRequest':
        this.enter(packet, undefined);
        return false;
    }
  }

  /** As the server: each request once, none on an encrypted connection, and nothing sent behind it before the answer. */
  private answer(kind: EncryptionRequest['kind']): void {
    if (this.isEncrypted || this.answered.has(kind)) {
      throw protocolViolation(`unsupported frontend protocol 1234.${kind === 'SSLRequest' ? 5679 : 5680}`);
    }
    this.answered.add(kind);
    if (this.packets.takeRest().length > 0) {
      const what = kind === 'SSLRequest' ? 'SSL' : 'GSSAPI encryption';
      throw protocolViolation(
        `received unencrypted data after ${what} request`,
        'This could be either a client-software bug or evidence of an attempted man-in-the-middle attack.',
      );
    }
    if (kind === 'SSLRequest' && this.host.clientTls !== undefined && !this.isUnix) {
      this.client.write('S');
      this.encrypt();
    } else this.client.write('N');
  }

  /** @param received bytes of the handshake that have already been read */
  private encrypt(received?: Buffer): void {
    const { client: plain, host } = this;
    if (host.clientTls === undefined) throw new Error('encryption was agreed on without a certificate');
    this.phase = 'encrypting';
    plain.off('data', this.onData);
    plain.off('end', this.onEnd);
    plain.pause();
    if (received !== undefined) plain.unshift(received);
    host.clientTls.encrypt(plain).then(
      (secured) => this.encrypted(plain, secured),
      (error: unknown) => host.log.debug({ err: error }, 'a connection was not encrypted'),
    );
  }

  private encrypted(plain: Socket, secured: TLSSocket): void {
    this.stopListening(plain);
    this.client = secured;
    this.listen(secured);
    if (this.phase !== 'encrypting') secured.destroy();
    else if (this.isDirect && secured.alpnProtocol !== alpnProtocol) {
      this.host.log.info(
        {},
        'received direct TLS connection request without ALPN protocol negotiation extension',
      );
      this.host.events.protocolError('client', '08P01');
      this.leave('protocolError');
    } else this.phase = 'reading';
  }

  private cancel(request: CancelRequest, bytes: Buffer): void {
    this.phase = 'canceling';
    clearTimeout(this.timer);
    void relayClientCancel(this.host, request, bytes).then(() => this.leave('cancelRequest'));
  }

  private enter(packet: StartupPacket, startup: StartupMessage | undefined): void {
    const { client, host } = this;
    if (host.clientTls?.isRequired === true && !this.isEncrypted && !this.isUnix) {
      const user = startup?.parameters.get('user') ?? '';
      const database = startup === undefined ? '' : startupDatabase(startup);
      host.log.info({}, 'a client was refused: it did not ask for TLS, which listen.tls.mode requires');
      this.leave('protocolError', encryptionRequired(client.remoteAddress ?? '', user, database));
      return;
    }
    const { bytes } = packet;
    const admitted = this.hasFiles
      ? host.admit(this, startup)
      : ({ kind: 'none', limit: 'files', name: '' } as const);
    if (!(admitted instanceof Promise)) {
      this.admit(admitted, bytes, startup);
      return;
    }
    this.phase = 'admitting';
    client.pause();
    admitted.then(
      (place) => this.admit(place, bytes, startup),
      (error: unknown) => {
        host.log.debug({ err: error }, 'nobody could say whether there is room for a session');
        this.leave('drained', adminShutdown());
      },
    );
  }

  /** Begins a session in its place, or says which limit leaves none. */
  private admit(place: SessionPlace | NoPlace, packet: Buffer, startup: StartupMessage | undefined): void {
    const { client, host } = this;
    // It went, or was sent away, while that was asked.
    if (this.phase === 'left') {
      if (place.kind === 'place') place[Symbol.dispose]();
      return;
    }
    if (place.kind === 'none') {
      host.refused(place.limit);
      this.leave('tooManyConnections', tooManyConnections(place.limit, place.name));
      return;
    }
    this.place = place;
    if (this.phase === 'admitting') client.resume();
    this.phase = 'entered';
    clearTimeout(this.timer);
    this.stopListening(client);
    client.off('error', this.onError);
    // Copies: the session keeps the packet, and with it would keep all that was read at once.
    const door = isForConsole(host.console, startup) ? host.console : undefined;
    const bytes =
      door === undefined || startup === undefined
        ? Buffer.from(packet)
        : encodeStartupMessage(loginStartup(startup, door));
    const rest = Buffer.from(this.packets.takeRest());
    const { loginEndsAt, newcomer } = this;
    const start = { packet: bytes, startup, rest, loginEndsAt, newcomer, console: door };
    this.session = new ClientSession(client, host, start, (end) => this.closed(end));
    if (this.isDraining) this.session.drain();
  }

  private get isReading(): boolean {
    return this.phase === 'reading';
  }

  private get isEncrypted(): boolean {
    return this.client instanceof TLSSocket;
  }

  /** Nobody can listen in on a unix socket, so there is no TLS on it, as in PostgreSQL. */
  private get isUnix(): boolean {
    return this.client.remoteFamily === undefined;
  }

  private failed(error: unknown): void {
    const { host } = this;
    if (error instanceof PgError) {
      host.events.protocolError('client', error.sqlState);
      host.log.info({ err: error, side: 'client' }, 'connection closed after a protocol error');
      this.leave('protocolError', error);
    } else {
      host.log.error({ err: error, side: 'client' }, 'internal error; the connection is closed');
      this.leave('internalError', internalError());
    }
  }

  private leave(end: ConnectionEnd, error?: PgError): void {
    const { phase, client } = this;
    if (phase === 'left' || phase === 'entered') return;
    this.phase = 'left';
    this.end = end;
    clearTimeout(this.timer);
    // Between plain and encrypted there is no way to say anything.
    if (phase === 'encrypting') {
      client.destroy();
      return;
    }
    if (error !== undefined) client.write(encodePgError(error));
    takeLeave(client);
  }

  private closed(end: ConnectionEnd): void {
    this.place?.[Symbol.dispose]();
    this.host.events.connectionClosed(end);
    this.host.closed(this);
  }
}
