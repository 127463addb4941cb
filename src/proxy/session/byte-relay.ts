import { encodeTerminate } from '../../wire/frontend/terminate';
import { BackendCode } from '../../wire/message-code';
import { type Outlet } from './outlet';
import { sessionActivity, type SessionActivity } from './session-timeouts';

const readyForQueryBytes = 6;
const idle = 0x49; // I
const terminate = encodeTerminate();
/** How far from the end of what the client sent a Terminate is looked for. */
const lastBytes = 1_024;

/** A session that is not scanned, once the client is logged in: bytes go both ways as they come. */
export class ByteRelay {
  /**
   * Whether the session looks idle: the last bytes the server sent are a ReadyForQuery outside a transaction block, and the
   * client has sent nothing since. Only used to find a good moment for closing, so a look at the end of each chunk is
   * enough; rows that happen to end in these bytes are followed by more.
   */
  isIdle = true;
  /**
   * Whether the client seems to have said good-bye: its last bytes hold a Terminate. Only used not to report the server as
   * lost, so that data which looks like one does no harm.
   */
  hasTerminated = false;
  /** How often the server seems to have said ReadyForQuery. */
  progress = 0;

  private isAnswered = true;
  /** Whether the last bytes of the server are a ReadyForQuery, whatever the client has sent since. */
  private isBetween: boolean;

  /** @param isLoggedIn whether the server has said ReadyForQuery; otherwise it may speak another protocol */
  constructor(
    private readonly toClient: Outlet,
    private readonly toUpstream: Outlet,
    isLoggedIn = true,
  ) {
    this.isBetween = isLoggedIn;
  }

  get isClientChunkDone(): boolean {
    return this.toUpstream.isWritten;
  }

  get isUpstreamChunkDone(): boolean {
    return this.toClient.isWritten;
  }

  get isInsideMessage(): boolean {
    return !this.isBetween;
  }

  /**
   * For SessionWatch. A ReadyForQuery that comes in two chunks is overlooked: the session is taken for one that waits, and a
   * cancel request for it finds nothing to cancel.
   */
  get activity(): SessionActivity {
    return sessionActivity(this.isIdle, !this.isAnswered);
  }

  fromClient(chunk: Buffer): void {
    this.isIdle = false;
    this.isAnswered = false;
    this.hasTerminated = chunk.subarray(-lastBytes).includes(terminate);
    this.toUpstream.append(chunk);
    this.toUpstream.flush();
  }

  fromUpstream(chunk: Buffer): void {
    this.toClient.append(chunk);
    this.toClient.flush();
    const at = chunk.length - readyForQueryBytes;
    this.isAnswered =
      at >= 0 &&
      chunk[at] === BackendCode.ReadyForQuery &&
      chunk.readUInt32BE(at + 1) === readyForQueryBytes - 1;
    this.isBetween = this.isAnswered;
    this.isIdle = this.isAnswered && chunk[at + 5] === idle;
    if (this.isAnswered) this.progress++;
  }
}
