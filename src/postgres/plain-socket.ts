import { Socket, type NetConnectOpts, type OnReadOpts, type SocketConstructorOpts } from 'node:net';
import { ReadBuffer } from './read-buffer';

/**
 * A connection that is not encrypted, and that is read into one buffer again and again (see ReadBuffer). It emits `data` as
 * any socket does, and the chunk is the listener's to keep, unless it says `doneWithChunk` before it returns.
 *
 * Until somebody listens, what comes is lost; on a socket that is paused nothing comes.
 */
export class PlainSocket extends Socket {
  private readonly readBuffer: ReadBuffer;
  private isChunkKept = true;

  constructor(options: SocketConstructorOpts) {
    const readBuffer = new ReadBuffer();
    // Called while the constructor of Socket runs, when there is no `this` yet.
    const receiver: { receive?: (bytes: number) => void } = {};
    const onread: OnReadOpts = {
      buffer: () => readBuffer.current,
      callback: (bytes) => {
        receiver.receive?.(bytes);
        return true;
      },
    };
    super({ ...options, onread } as SocketConstructorOpts);
    this.readBuffer = readBuffer;
    receiver.receive = (bytes) => this.receive(bytes);
  }

  /** Opens a connection, as `net.connect` does. */
  static open(options: NetConnectOpts): PlainSocket {
    return new PlainSocket(options).connect(options);
  }

  /**
   * Makes a PlainSocket of a connection that a server has just accepted, to be used instead of it. Servers make sockets of
   * their own, without a way to say how they should read, so the handle is taken out of the one and given to the other, as
   * Node itself does where it sends a connection to another process. The name of that property is not documented: where there is
   * none of that name, the socket is returned as it is, and only costs more.
   */
  static adopt(accepted: Socket): Socket {
    const shell = accepted as unknown as { _handle?: object | null };
    const { _handle: handle } = shell;
    if (handle === undefined || handle === null) return accepted;
    const { allowHalfOpen } = accepted;
    shell._handle = null;
    accepted.destroy();
    return new PlainSocket({ handle, allowHalfOpen } as SocketConstructorOpts);
  }

  /** For a listener of `data`: nothing refers to the chunk any more, nor to one before it. */
  doneWithChunk(): void {
    this.isChunkKept = false;
  }

  private receive(bytes: number): void {
    this.isChunkKept = true;
    this.emit('data', this.readBuffer.current.subarray(0, bytes));
    this.readBuffer.used(bytes, this.isChunkKept);
  }
}

/** What a listener of `data` says when nothing refers to the chunk any more: there may be no need for it, but it never harms. */
export function doneWithChunk(socket: Socket): void {
  if (socket instanceof PlainSocket) socket.doneWithChunk();
}
