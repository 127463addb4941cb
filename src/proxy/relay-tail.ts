import { BackendCode } from '../wire/message-code';

const readyForQueryBytes = 6;
const idle = 0x49; // I

/**
 * Whether a session that is merely relayed looks idle: the last bytes the server sent are a ReadyForQuery outside a transaction
 * block, and the client has sent nothing since. Only used to find a good moment for closing, so that a look at the end of
 * each chunk is enough; rows that happen to end in these bytes are followed by more.
 */
export class RelayTail {
  isIdle = false;

  clientSent(): void {
    this.isIdle = false;
  }

  /** The session has just been let in. */
  ready(): void {
    this.isIdle = true;
  }

  upstreamSent(chunk: Buffer): void {
    const at = chunk.length - readyForQueryBytes;
    this.isIdle =
      at >= 0 &&
      chunk[at] === BackendCode.ReadyForQuery &&
      chunk.readUInt32BE(at + 1) === readyForQueryBytes - 1 &&
      chunk[at + 5] === idle;
  }
}
