import { asksClient, AuthenticationCode, decodeAuthentication } from '../../wire/backend/authentication';
import { decodeParameterStatus, type ParameterStatus } from '../../wire/backend/parameter-status';
import { decodeBackendKeyData } from '../../wire/backend/backend-key-data';
import { FrameReader, FrameStep, FrameTreatment } from '../../wire/frame-reader';
import { BackendCode, FrontendCode } from '../../wire/message-code';
import { type ChannelBinding } from './channel-binding';
import { type Outlet } from '../session/outlet';
import { type ScramVerification } from './scram-verification';

/** Who wants to know what the server says while a client logs in. */
export interface LoginObserver {
  /** The key a CancelRequest for this session will carry. */
  keyData(processId: number, secretKey: Buffer): void;
  parameterStatus(frame: Buffer, start: number, end: number): void;
}

/**
 * The time from StartupMessage to the first ReadyForQuery. Everything is passed on as it is, in both directions (but for
 * what ChannelBinding says, and for SCRAM if the proxy is to verify it itself): the server decides, and no secret stays here. A client may send its first statements before it is let in; they wait, for they belong
 * to what comes after. If the server is waiting for a password, whatever comes is passed on: it is the server's to judge.
 */
export class LoginRelay {
  private readonly fromClient: FrameReader;
  private early: Buffer[] = [];
  private isServerWaiting = false;
  /** Passwords that were passed on before the server asked for them. */
  private passwordsAhead = 0;
  private hasPassedOn = false;
  private reportedUser: string | undefined;

  constructor(
    private readonly toClient: Outlet,
    private readonly toUpstream: Outlet,
    private readonly fromUpstream: FrameReader,
    private readonly observer: LoginObserver,
    private readonly channelBinding: ChannelBinding,
    private readonly verification: ScramVerification | undefined,
    private readonly isReadySaidLater = false,
  ) {
    this.fromClient = new FrameReader(new Uint8Array(256).fill(FrameTreatment.Pieces), 0, 'frontend');
  }

  /** Whether the client sent something that has to wait until it is logged in. */
  get hasEarlyBytes(): boolean {
    return this.early.length > 0 || this.verification?.isAhead === true;
  }

  /** Whether anything went one way or the other, so that it is too late to try another connection. */
  get isCommitted(): boolean {
    return this.hasPassedOn || this.hasEarlyBytes;
  }

  /** Who the client is to the server, as it reports that; undefined if it does not. */
  get sessionUser(): string | undefined {
    return this.reportedUser;
  }

  takeEarlyBytes(): Buffer {
    return Buffer.concat(this.early.splice(0));
  }

  /** Nothing more is to happen. */
  close(): void {
    this.verification?.close();
  }

  /** Passes on what the client sent. Throws PgError 08P01, and what verifying it throws. */
  clientSent(chunk: Buffer): void {
    if (this.verification?.isUnderway === true) {
      this.verification.clientSent(chunk);
      return;
    }
    if (this.early.length > 0) {
      this.early.push(chunk);
      return;
    }
    if (chunk.length === 0) return;
    this.hasPassedOn = true;
    const reader = this.fromClient;
    reader.feed(chunk);
    while (reader.next() !== FrameStep.None) {
      const { code, buffer, start, end } = reader;
      if (reader.isFirst && !this.isServerWaiting) {
        if (code !== FrontendCode.Password && code !== FrontendCode.Terminate) {
          this.early.push(buffer.subarray(start, end), reader.takeRest());
          break;
        }
        if (code === FrontendCode.Password) this.passwordsAhead++;
      }
      // One message answers one request; what follows it belongs to what comes after.
      if (reader.isFirst) this.isServerWaiting = false;
      this.toUpstream.forward(buffer, start, end);
    }
    this.toUpstream.flush();
  }

  /** Passes on what the reader of the server's messages was fed; true once the client is logged in. Throws PgError 08P01. */
  readUpstream(): boolean {
    this.hasPassedOn = true;
    const reader = this.fromUpstream;
    for (let step = reader.next(); step !== FrameStep.None; step = reader.next()) {
      const { code, buffer, start, end } = reader;
      if (step !== FrameStep.Whole) {
        this.toClient.forward(buffer, start, end);
        continue;
      }
      if (code === BackendCode.Authentication && this.verify(buffer, start, end)) continue;
      if (code === BackendCode.ReadyForQuery && this.isReadySaidLater) return true;
      const replacement = this.channelBinding.replace(code, buffer, start, end);
      if (replacement === undefined) this.toClient.forward(buffer, start, end);
      else this.toClient.append(replacement);
      switch (code) {
        case BackendCode.Authentication:
          if (asksClient(decodeAuthentication(buffer, start + 5, end).code)) this.asked();
          break;
        case BackendCode.BackendKeyData: {
          const { processId, secretKey } = decodeBackendKeyData(buffer, start + 5, end);
          this.observer.keyData(processId, Buffer.from(secretKey));
          break;
        }
        case BackendCode.ParameterStatus:
          this.noteUser(decodeParameterStatus(buffer, start + 5, end));
          this.observer.parameterStatus(buffer, start, end);
          break;
        case BackendCode.ReadyForQuery:
          return true;
        default:
      }
    }
    return false;
  }

  /** Whether a message of authentication is for the proxy itself, which then has been told. */
  private verify(buffer: Buffer, start: number, end: number): boolean {
    const { verification } = this;
    if (verification === undefined) return false;
    const { code, data } = decodeAuthentication(buffer, start + 5, end);
    if (verification.isUnderway) {
      verification.serverSent(code, data);
      if (verification.isVerified) this.keepEarly(verification.takeRest());
      return true;
    }
    // What the client sent unasked has gone to the server, which is to judge it.
    if (code !== AuthenticationCode.SASL || this.passwordsAhead > 0) return false;
    const offered = data.toString('latin1').split('\0');
    if (!verification.begin(offered)) return false;
    if (this.early.length > 0) verification.clientSent(this.takeEarlyBytes());
    return true;
  }

  private noteUser({ name, value }: ParameterStatus): void {
    if (name === 'session_authorization') this.reportedUser = value;
  }

  private keepEarly(bytes: Buffer): void {
    if (bytes.length > 0) this.early.push(bytes);
  }

  /** The server wants an answer. If the client has sent something else than a password already, that is its answer. */
  private asked(): void {
    if (this.passwordsAhead > 0) {
      this.passwordsAhead--;
      return;
    }
    this.isServerWaiting = true;
    if (this.early.length > 0) this.clientSent(this.takeEarlyBytes());
  }
}
