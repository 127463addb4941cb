import type { Random } from '../oracle/random';

/** A stream of messages, some of them spoilt. */
export interface Mutated {
  readonly messages: readonly Buffer[];
  /** How many of them are not as they were, or not where they were. */
  readonly mutatedCount: number;
}

const codes = Buffer.from('QPBDECSHXdcfFpRKZT1234InstGHWVNASvA');
const words = [0, 1, 3, 4, 5, 0x7f, 0x80, 0xff, 0xffff, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff];

/**
 * Spoils messages as a broken or a hostile peer would: some changes leave the frames whole, so that what is behind a header is
 * reached; others break the framing itself.
 *
 * @param donors messages of other conversations, to be mixed in
 */
export class Mutator {
  constructor(
    private readonly random: Random,
    private readonly donors: readonly Buffer[],
  ) {}

  /** @param rate how likely a message is to be changed */
  mutate(messages: readonly Buffer[], rate: number): Mutated {
    const { random } = this;
    const changed: Buffer[] = [];
    let mutatedCount = 0;
    for (const message of messages) {
      if (!random.chance(rate)) {
        changed.push(message);
        continue;
      }
      mutatedCount++;
      changed.push(...this.change(message));
    }
    if (changed.length > 1 && random.chance(rate)) {
      const [from, to] = [random.int(0, changed.length - 1), random.int(0, changed.length - 1)];
      changed.splice(to, 0, ...changed.splice(from, 1));
      mutatedCount++;
    }
    return { messages: changed, mutatedCount };
  }

  /** One message changed in one or several ways; it may be none afterwards, or two. */
  change(message: Buffer): Buffer[] {
    const { random } = this;
    switch (random.int(0, 11)) {
      case 0:
        return [];
      case 1:
        return [message, message];
      case 2:
        return [message, this.donor()];
      case 3:
        return [this.donor()];
      case 4:
        return [this.announce(message)];
      case 5:
        return [message.subarray(0, random.int(0, message.length))];
      case 6:
        return [random.chance(0.5) ? this.noise(random.int(1, 40)) : this.framedNoise()];
      case 7:
        return [this.recode(message)];
      case 8:
        return [this.resize(message)];
      case 9:
        return [this.putWord(message)];
      default:
        return [this.flip(message)];
    }
  }

  private donor(): Buffer {
    return this.random.pick(this.donors);
  }

  private noise(length: number): Buffer {
    return Buffer.from(this.random.times(length, () => this.random.int(0, 255)));
  }

  private framedNoise(): Buffer {
    const body = this.noise(this.random.int(0, 40));
    const header = Buffer.alloc(5);
    header[0] = this.random.pick([...codes]);
    header.writeUInt32BE(4 + body.length, 1);
    return Buffer.concat([header, body]);
  }

  /** Another length is announced than there is. */
  private announce(message: Buffer): Buffer {
    if (message.length < 5) return message;
    const copy = Buffer.from(message);
    const length = copy.readUInt32BE(1);
    const { random } = this;
    const other = random.chance(0.5) ? random.pick(words) : length + random.int(-8, 8);
    copy.writeUInt32BE(Math.max(0, other) >>> 0, 1);
    return copy;
  }

  private recode(message: Buffer): Buffer {
    const copy = Buffer.from(message);
    const { random } = this;
    if (copy.length > 0) copy[0] = random.chance(0.8) ? random.pick([...codes]) : random.int(0, 255);
    return copy;
  }

  /** A body that is longer or shorter, and announced so. */
  private resize(message: Buffer): Buffer {
    if (message.length < 5) return message;
    const { random } = this;
    const bodyBytes = message.length - 5;
    const copy = random.chance(0.5)
      ? Buffer.from(message.subarray(0, 5 + random.int(0, bodyBytes)))
      : Buffer.concat([message, this.noise(random.chance(0.02) ? 5_000 : random.int(1, 20))]);
    copy.writeUInt32BE(copy.length - 1, 1);
    return copy;
  }

  /** A field of two or four bytes that says something else: a count, a length, a type. */
  private putWord(message: Buffer): Buffer {
    const copy = Buffer.from(message);
    const { random } = this;
    const bytes = random.pick([2, 4]);
    if (copy.length < 5 + bytes) return copy;
    const at = random.int(5, copy.length - bytes);
    const word = random.pick(words);
    if (bytes === 2) copy.writeUInt16BE(word & 0xffff, at);
    else copy.writeUInt32BE(word, at);
    return copy;
  }

  private flip(message: Buffer): Buffer {
    const copy = Buffer.from(message);
    const { random } = this;
    // Mostly behind the header: a frame that is broken says little about what is in it.
    const from = copy.length > 5 && random.chance(0.9) ? 5 : 0;
    for (let flips = random.int(1, 8); flips > 0 && copy.length > 0; flips--) {
      const at = random.int(Math.min(from, copy.length - 1), copy.length - 1);
      copy[at] = (copy[at] ?? 0) ^ (1 << random.int(0, 7));
    }
    return copy;
  }
}

/** A stream is cut into so many chunks at most, or it would take all the time there is. */
const mostChunks = 1_000;

/** The bytes in chunks: whole, or cut at random places. */
export function cut(bytes: Buffer, random: Random): Buffer[] {
  const chunks: Buffer[] = [];
  const most = Math.max(random.pick([Infinity, Infinity, 1_000, 40, 3]), bytes.length / mostChunks);
  for (let at = 0; at < bytes.length;) {
    const end = at + (most === Infinity ? bytes.length : random.int(1, Math.ceil(most)));
    chunks.push(bytes.subarray(at, end));
    at = end;
  }
  return chunks;
}
