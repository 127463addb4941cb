import { BackendCode } from '../../wire/message-code';

/** What was sent and is still to be answered. CopyEnd (CopyDone, CopyFail) is no question; it marks where COPY data ended. */
export const Owed = {
  None: 0,
  Query: 1,
  Parse: 2,
  Bind: 3,
  Describe: 4,
  Execute: 5,
  Close: 6,
  Sync: 7,
  FunctionCall: 8,
  CopyEnd: 9,
} as const;
export type Owed = (typeof Owed)[keyof typeof Owed];

/** Whom a reply is for; mismatch: it answers nothing that was asked. */
export type Audience = 'client' | 'proxy' | 'mismatch';

const hiddenBit = 0x80;
const firstCapacity = 64;

/** Entries taken out of a queue, to be put back. */
export interface SavedReplies<Detail> {
  readonly kinds: readonly number[];
  readonly details: readonly (Detail | undefined)[];
}

/**
 * What the server still owes, oldest first, and whether the client asked for it or the proxy itself. Replies come in the
 * order of the requests, so a queue is enough to tell the replies to hidden messages from the client's.
 *
 * Errors follow the server's own rule (PostgresMain in src/backend/tcop/postgres.c): after an error in Parse, Bind,
 * Describe, Execute or Close it skips everything up to the next Sync, Query and FunctionCall included; after an error in
 * Query, FunctionCall or Sync only ReadyForQuery follows. During COPY FROM STDIN it ignores Sync and Flush until
 * CopyDone or CopyFail (CopyGetData in src/backend/commands/copyfromparse.c).
 *
 * Pure. A ring of bytes with a parallel ring of details: nothing is allocated for a message.
 */
export class ReplyQueue<Detail> {
  /** The entry the last `settle` ended, and what was attached to it. */
  doneKind: Owed = Owed.None;
  doneDetail: Detail | undefined;

  private kinds = new Uint8Array(firstCapacity);
  private details = new Array<Detail | undefined>(firstCapacity);
  private first = 0;
  private count = 0;
  private hiddenCount = 0;
  private skipping = false;
  private copyingIn = false;

  /** @param onDropped called for each entry the server will never answer because it skips to the next Sync. */
  constructor(
    private readonly onDropped: (kind: Owed, isHidden: boolean, detail: Detail | undefined) => void,
  ) {}

  get length(): number {
    return this.count;
  }

  /** Whether any reply is owed to the proxy itself. */
  get hasHidden(): boolean {
    return this.hiddenCount > 0;
  }

  /** Whether the server is known to skip what it gets, until a Sync. */
  get isSkipping(): boolean {
    return this.skipping;
  }

  /** Whether the server is known to take what it gets for COPY data, until CopyDone or CopyFail. */
  get isCopyingIn(): boolean {
    return this.copyingIn;
  }

  get headKind(): Owed {
    return this.count === 0 ? Owed.None : ((this.kindAt(0) & ~hiddenBit) as Owed);
  }

  get headIsHidden(): boolean {
    return this.count > 0 && this.kindAt(0) >= hiddenBit;
  }

  get headDetail(): Detail | undefined {
    return this.count === 0 ? undefined : this.details[this.first];
  }

  /** Notes a message that was sent. Returns false if the server will not answer it. */
  push(kind: Owed, detail?: Detail, isHidden = false): boolean {
    if (this.skipping) {
      if (kind !== Owed.Sync) return false;
      this.skipping = false;
    }
    if (this.copyingIn) {
      if (kind === Owed.Sync) return false;
      if (kind === Owed.CopyEnd) this.copyingIn = false;
    }
    if (kind === Owed.CopyEnd && this.count === 0) return false;
    this.append(isHidden ? kind | hiddenBit : kind, detail);
    return true;
  }

  /**
   * A message came from the server: whom is it for? The entry it ends, if it ends one, is then in `doneKind` and
   * `doneDetail`. NoticeResponse, NotificationResponse and ParameterStatus answer nothing; do not ask for them.
   */
  settle(code: number): Audience {
    this.doneKind = Owed.None;
    this.doneDetail = undefined;
    switch (code) {
      case BackendCode.DataRow:
      case BackendCode.CopyData:
      case BackendCode.CopyDone:
      case BackendCode.ParameterDescription:
      case BackendCode.CopyOutResponse:
      case BackendCode.FunctionCallResponse:
        return this.headIsHidden ? 'proxy' : 'client';
      case BackendCode.ParseComplete:
        return this.end(Owed.Parse);
      case BackendCode.BindComplete:
        return this.end(Owed.Bind);
      case BackendCode.CloseComplete:
        return this.end(Owed.Close);
      case BackendCode.NoData:
        return this.end(Owed.Describe);
      case BackendCode.PortalSuspended:
        return this.end(Owed.Execute);
      case BackendCode.RowDescription:
        return this.headKind === Owed.Query ? 'client' : this.end(Owed.Describe);
      case BackendCode.CommandComplete:
      case BackendCode.EmptyQueryResponse:
        this.copyingIn = false;
        return this.headKind === Owed.Query ? 'client' : this.end(Owed.Execute);
      case BackendCode.CopyInResponse:
        return this.beginCopyIn();
      case BackendCode.ErrorResponse:
        return this.fail();
      case BackendCode.ReadyForQuery:
        return this.ready();
      default:
        return 'client';
    }
  }

  /** Takes all entries out, for others to be answered before them. */
  takeAll(): SavedReplies<Detail> {
    const kinds: number[] = [];
    const details: (Detail | undefined)[] = [];
    while (this.count > 0) {
      kinds.push(this.kindAt(0));
      details.push(this.details[this.first]);
      this.shift();
    }
    return { kinds, details };
  }

  putBack(saved: SavedReplies<Detail>): void {
    saved.kinds.forEach((kind, i) => this.append(kind, saved.details[i]));
  }

  private end(kind: Owed): Audience {
    if (this.headKind !== kind) return 'mismatch';
    const audience = this.headIsHidden ? 'proxy' : 'client';
    this.doneKind = kind;
    this.doneDetail = this.headDetail;
    this.shift();
    this.dropMarks();
    return audience;
  }

  private ready(): Audience {
    this.copyingIn = false;
    // A Sync the server read after an error in COPY data was taken for one it ignored: its answer is the client's.
    if (this.count === 0) return 'client';
    const kind = this.headKind;
    const endsHere = kind === Owed.Query || kind === Owed.Sync || kind === Owed.FunctionCall;
    return endsHere ? this.end(kind) : 'mismatch';
  }

  private fail(): Audience {
    this.copyingIn = false;
    const kind = this.headKind;
    const audience = this.headIsHidden ? 'proxy' : 'client';
    switch (kind) {
      case Owed.None:
      case Owed.Query:
      case Owed.Sync:
      case Owed.FunctionCall:
        return audience;
      default:
        this.end(kind);
        this.skipToSync();
        return audience;
    }
  }

  private skipToSync(): void {
    while (this.count > 0 && this.headKind !== Owed.Sync) {
      const kind = this.headKind;
      const isHidden = this.headIsHidden;
      const detail = this.headDetail;
      this.shift();
      if (kind !== Owed.CopyEnd) this.onDropped(kind, isHidden, detail);
    }
    this.skipping = this.count === 0;
  }

  /** Syncs between here and the end of the COPY data are ignored by the server. */
  private beginCopyIn(): Audience {
    const isCopying = this.headKind === Owed.Query || this.headKind === Owed.Execute;
    if (!isCopying) return 'mismatch';
    const audience = this.headIsHidden ? 'proxy' : 'client';
    const { kinds, details } = this.takeAll();
    this.copyingIn = true;
    kinds.forEach((kind, i) => {
      if (kind === Owed.CopyEnd) this.copyingIn = false;
      if (!(this.copyingIn && kind === Owed.Sync)) this.append(kind, details[i]);
    });
    return audience;
  }

  /** CopyDone and CopyFail outside COPY are ignored by the server. */
  private dropMarks(): void {
    while (this.headKind === Owed.CopyEnd) this.shift();
  }

  private kindAt(index: number): number {
    return this.kinds[(this.first + index) & (this.kinds.length - 1)] ?? 0;
  }

  private append(kind: number, detail: Detail | undefined): void {
    if (this.count === this.kinds.length) this.grow();
    const at = (this.first + this.count) & (this.kinds.length - 1);
    this.kinds[at] = kind;
    this.details[at] = detail;
    this.count++;
    if (kind >= hiddenBit) this.hiddenCount++;
  }

  private shift(): void {
    if (this.kindAt(0) >= hiddenBit) this.hiddenCount--;
    this.details[this.first] = undefined;
    this.first = (this.first + 1) & (this.kinds.length - 1);
    this.count--;
  }

  /** Doubles the rings; their length stays a power of two. */
  private grow(): void {
    const capacity = this.kinds.length;
    const kinds = new Uint8Array(2 * capacity);
    const details = new Array<Detail | undefined>(2 * capacity);
    for (let i = 0; i < this.count; i++) {
      kinds[i] = this.kindAt(i);
      details[i] = this.details[(this.first + i) & (capacity - 1)];
    }
    this.kinds = kinds;
    this.details = details;
    this.first = 0;
  }
}
