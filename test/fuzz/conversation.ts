/** What one side said before the other did, message by message; the last may be unfinished, or no message at all. */
export interface Turn {
  readonly from: 'frontend' | 'backend';
  readonly messages: readonly Buffer[];
}

/** All that went over one connection. */
export interface Conversation {
  /** The script it was recorded from. */
  readonly name: string;
  readonly turns: readonly Turn[];
}

const untypedCodes = new Set([80877102, 80877103, 80877104]);

/** Cuts what one side of a connection sends into messages. Frames by itself, not with the code under test. */
export class MessageCutter {
  private pending = Buffer.alloc(0);
  private isStarted: boolean;
  private untypedAnswers = 0;

  constructor(private readonly from: Turn['from']) {
    this.isStarted = from === 'backend';
  }

  /** One byte without a length will come from the server: the answer to a request for encryption. */
  expectByte(): void {
    this.untypedAnswers++;
  }

  /** The messages that are whole with this chunk. */
  feed(chunk: Buffer): Buffer[] {
    this.pending = Buffer.concat([this.pending, chunk]);
    const messages: Buffer[] = [];
    for (let bytes = this.wholeBytes(); bytes > 0; bytes = this.wholeBytes()) {
      messages.push(Buffer.from(this.pending.subarray(0, bytes)));
      this.pending = this.pending.subarray(bytes);
    }
    return messages;
  }

  /** What is left over when nothing more will come. */
  rest(): Buffer[] {
    return this.pending.length === 0 ? [] : [Buffer.from(this.pending)];
  }

  private wholeBytes(): number {
    const { pending } = this;
    if (this.untypedAnswers > 0 && pending.length > 0) {
      this.untypedAnswers--;
      return 1;
    }
    const lengthAt = this.isStarted ? 1 : 0;
    if (pending.length < lengthAt + 4) return 0;
    const bytes = lengthAt + pending.readUInt32BE(lengthAt);
    if (bytes < lengthAt + 4 || pending.length < bytes) return 0;
    if (this.from === 'frontend' && !this.isStarted)
      this.isStarted = bytes < 8 || !untypedCodes.has(pending.readUInt32BE(4));
    return bytes;
  }
}

/** Whether this is SSLRequest or GSSENCRequest. */
export function asksForEncryption(message: Buffer): boolean {
  return message.length === 8 && message.readUInt32BE(0) === 8 && untypedCodes.has(message.readUInt32BE(4));
}
