import { type BoundParameters, type InspectedStatement, type PlanRequest } from '../../engine/engine';
import { type SessionContext } from '../../engine/session-context';
import { decodeBind } from '../../wire/frontend/bind';
import { FrontendCode } from '../../wire/message-code';
import { attempt } from './attempt';
import { type KeyTables } from '../hidden/key-tables';
import { type PreparedStatement } from './prepared-statements';
import { findRetryableBatch } from '../hidden/retryable-batch';

/** The client's messages from a Bind to its Sync. */
export interface RetryableBatch {
  readonly bytes: Buffer;
  readonly hasDescribe: boolean;
}

/** Where a message lies in the bytes that came in; they do not change before `releaseChunk`. */
export interface MessageBytes {
  readonly buffer: Buffer;
  readonly start: number;
  readonly end: number;
  /** The chunk that came in, and where what follows the message begins in it. */
  readonly following: { readonly chunk: Buffer; readonly at: number };
}

const nothing = Buffer.alloc(0);
const noBytes: MessageBytes = { buffer: nothing, start: 0, end: 0, following: { chunk: nothing, at: 0 } };

/**
 * A message that executes a statement the engine may have something for: a Query, or a Bind. Most are forwarded without a
 * look into them, so values are decoded, and what follows is read, when somebody asks.
 */
export class Candidate {
  private isBindRead = false;
  private boundParameters: BoundParameters | undefined;
  private isBatchRead = false;
  private foundBatch: RetryableBatch | undefined;

  /** @param isAlone whether no transaction is open, and nothing else is in flight but this statement's own Parse */
  constructor(
    readonly protocol: 'simple' | 'extended',
    readonly statement: InspectedStatement,
    readonly prepared: PreparedStatement | undefined,
    readonly portalName: string,
    private readonly isAlone: boolean,
    private bytes: MessageBytes,
  ) {}

  /** The client's message; a view of what came in. */
  get frame(): Buffer {
    const { buffer, start, end } = this.bytes;
    return buffer.subarray(start, end);
  }

  /** The values of a Bind; undefined for a Query, and for a Bind that is malformed, which the server will say. */
  get parameters(): BoundParameters | undefined {
    if (this.protocol === 'simple') return undefined;
    if (!this.isBindRead) {
      this.isBindRead = true;
      this.boundParameters = this.readParameters();
    }
    return this.boundParameters;
  }

  /** Whether the original can be run unseen should the rewritten form fail (rule S12). */
  get canRetry(): boolean {
    return this.protocol === 'simple' ? this.isAlone : this.batch !== undefined;
  }

  /** For Bind, if `canRetry`: what to send then. */
  get batch(): RetryableBatch | undefined {
    if (this.protocol === 'simple' || !this.isAlone) return undefined;
    if (!this.isBatchRead) {
      this.isBatchRead = true;
      this.foundBatch = this.findBatch();
    }
    return this.foundBatch;
  }

  /**
   * The message was sent, or another in its place: what came in may change from here on. The values of a Bind may still be
   * asked for, so that they are copied if they were not read yet; `frame` and `batch` may not.
   */
  releaseChunk(): void {
    const { buffer, start, end, following } = this.bytes;
    const mayBeAsked = this.protocol === 'extended' && !this.isBindRead;
    this.isBatchRead = true;
    this.foundBatch = undefined;
    if (!mayBeAsked) this.bytes = noBytes;
    // A message that was gathered from several chunks has a buffer of its own.
    else if (buffer !== following.chunk) this.bytes = { ...noBytes, buffer, start, end };
    else {
      const copy = Buffer.from(buffer.subarray(start, end));
      this.bytes = { ...noBytes, buffer: copy, end: copy.length };
    }
  }

  private readParameters(): BoundParameters | undefined {
    const { buffer, start, end } = this.bytes;
    const message = attempt(() => decodeBind(buffer, start + 5, end));
    if (message === undefined) return undefined;
    return {
      declaredOids: this.prepared?.declaredOids ?? [],
      formats: message.parameterFormats,
      // Copies: the engine may keep them for longer than the chunk should live.
      values: message.parameters.map((value) => (value === null ? null : Buffer.from(value))),
    };
  }

  /** The messages from this Bind to its Sync, if they are all here (rule S12). */
  private findBatch(): RetryableBatch | undefined {
    const { buffer, start, end } = this.bytes;
    const { chunk, at } = this.bytes.following;
    const batchEnd = attempt(() => findRetryableBatch(chunk, at, this.portalName));
    if (batchEnd === undefined) return undefined;
    const isOneSlice = buffer === chunk && end === at;
    return {
      bytes: isOneSlice
        ? chunk.subarray(start, batchEnd)
        : Buffer.concat([buffer.subarray(start, end), chunk.subarray(at, batchEnd)]),
      hasDescribe: chunk[at] === FrontendCode.Describe,
    };
  }
}

/** A candidate as the engine is asked about it, in the context of that moment. */
export class CandidateRequest implements PlanRequest {
  constructor(
    private readonly candidate: Candidate,
    readonly context: SessionContext | undefined,
    readonly isContextCertain: boolean,
    private readonly keyTables: KeyTables,
  ) {}

  /** Found out when it is asked for: for most statements it is not. */
  get canMakeTables(): boolean {
    return this.keyTables.mayMake(this.candidate);
  }

  get statement(): InspectedStatement {
    return this.candidate.statement;
  }

  get parameters(): BoundParameters | undefined {
    return this.candidate.parameters;
  }

  get canGuard(): boolean {
    return this.canRetry;
  }

  get canRetry(): boolean {
    return this.candidate.canRetry && this.context?.endsOnError !== true;
  }
}
