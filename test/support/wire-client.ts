import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { encodeStartupMessage } from '../../src/wire/startup/startup-message';

/** A message as it came: its first byte as a letter, and its body. */
export interface WireMessage {
  readonly type: string;
  readonly body: Buffer;
}

/** How long a test waits for a message before it fails. */
const deadlineMs = 60_000;

/**
 * A client that speaks the protocol by hand: sends bytes, collects messages. It frames on its own, not with the code under
 * test.
 */
export class WireClient {
  readonly messages: WireMessage[] = [];
  isClosed = false;
  private pending = Buffer.alloc(0);
  private readonly waiting = new Set<() => void>();

  private constructor(readonly socket: Socket) {
    socket.on('data', (chunk) => {
      this.pending = Buffer.concat([this.pending, chunk]);
      this.cut();
      this.wake();
    });
    // A reset is how some of these conversations end; the test sees it as a closed connection.
    socket.on('error', () => this.wake());
    socket.on('close', () => {
      this.isClosed = true;
      this.wake();
    });
  }

  /** Opens a connection and says nothing yet. */
  static async open(port: number): Promise<WireClient> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new WireClient(socket);
  }

  /** The same with direct TLS, which PostgreSQL has since version 17, and any certificate. */
  static async openTls(port: number): Promise<WireClient> {
    const socket = connectTls({
      port,
      host: '127.0.0.1',
      ALPNProtocols: ['postgresql'],
      rejectUnauthorized: false,
    });
    await new Promise<void>((resolve, reject) => {
      socket.once('secureConnect', resolve);
      socket.once('error', reject);
    });
    return new WireClient(socket);
  }

  /** Logs in as a user the server trusts, and forgets the messages of the login but BackendKeyData. */
  static async login(
    port: number,
    parameters: Readonly<Record<string, string>>,
    minorVersion = 0,
  ): Promise<WireClient & { readonly keyData: Buffer }> {
    const client = await WireClient.open(port);
    client.send(
      encodeStartupMessage({
        majorVersion: 3,
        minorVersion,
        parameters: new Map(Object.entries(parameters)),
      }),
    );
    const messages = await client.until('Z');
    const error = messages.find(({ type }) => type === 'E');
    if (error !== undefined) throw new Error(`login failed: ${describeMessage(error)}`);
    const keyData = messages.find(({ type }) => type === 'K')?.body ?? Buffer.alloc(0);
    return Object.assign(client, { keyData: Buffer.from(keyData) });
  }

  send(...parts: readonly Buffer[]): void {
    this.socket.write(Buffer.concat(parts));
  }

  /** Sends one byte at a time, each in a write of its own. */
  async dribble(bytes: Buffer): Promise<void> {
    for (const byte of bytes) {
      await new Promise<void>((resolve, reject) => {
        this.socket.write(Buffer.of(byte), (error) => (error ? reject(error) : resolve()));
      });
    }
  }

  /** Takes messages up to and including the `count`-th one of a type. Ends early when the connection is closed. */
  async until(type: string, count = 1): Promise<WireMessage[]> {
    const find = (): number => {
      let left = count;
      return this.messages.findIndex((message) => message.type === type && --left === 0);
    };
    await this.wait(`${count} messages of type ${type}`, () => find() !== -1 || this.isClosed);
    const at = find();
    return this.messages.splice(0, at === -1 ? this.messages.length : at + 1);
  }

  /** Takes the one byte SSLRequest and GSSENCRequest are answered with; empty if the connection ends instead. */
  async byte(): Promise<Buffer> {
    await this.wait('a byte', () => this.pending.length > 0 || this.isClosed);
    const byte = this.pending.subarray(0, 1);
    this.pending = this.pending.subarray(1);
    return byte;
  }

  /** Bytes that came and are no whole message. */
  get unframed(): Buffer {
    return this.pending;
  }

  /** Takes everything up to the end of the connection. */
  async untilClosed(): Promise<WireMessage[]> {
    await this.wait('the end of the connection', () => this.isClosed);
    return this.messages.splice(0);
  }

  close(): void {
    this.socket.destroy();
  }

  private cut(): void {
    while (this.pending.length >= 5) {
      const end = 1 + this.pending.readUInt32BE(1);
      if (this.pending.length < end) return;
      this.messages.push({
        type: this.pending.toString('latin1', 0, 1),
        body: Buffer.from(this.pending.subarray(5, end)),
      });
      this.pending = this.pending.subarray(end);
    }
  }

  private wake(): void {
    for (const wake of this.waiting) wake();
  }

  private wait(what: string, isOver: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const finish = (error?: Error): void => {
        clearTimeout(timer);
        this.waiting.delete(check);
        if (error === undefined) resolve();
        else reject(error);
      };
      const timer = setTimeout(() => {
        const got = transcript(this.messages).join(' | ');
        finish(new Error(`not within ${deadlineMs} ms: ${what}; got: ${got}`));
      }, deadlineMs);
      const check = (): void => {
        if (isOver()) finish();
      };
      this.waiting.add(check);
      check();
    });
  }
}

/** One line for a message; of errors and notices only what does not depend on the server's version. */
export function describeMessage({ type, body }: WireMessage): string {
  if (type === 'E' || type === 'N') {
    const fields = body
      .toString('utf8')
      .split('\0')
      .filter((field) => /^[VCMD]/.test(field));
    return `${type} ${fields.join(' ')}`;
  }
  return `${type} ${JSON.stringify(body.toString('latin1'))}`;
}

export function transcript(messages: readonly WireMessage[]): string[] {
  return messages.map(describeMessage);
}

/** The value of a field of an ErrorResponse, by its letter. */
export function errorField(message: WireMessage | undefined, field: string): string | undefined {
  return message?.body
    .toString('utf8')
    .split('\0')
    .find((text) => text.startsWith(field))
    ?.slice(1);
}

/** The first column of each DataRow, as text. */
export function firstColumns(messages: readonly WireMessage[]): (string | null)[] {
  return messages
    .filter(({ type }) => type === 'D')
    .map(({ body }) => {
      const length = body.readInt32BE(2);
      return length === -1 ? null : body.toString('utf8', 6, 6 + length);
    });
}
