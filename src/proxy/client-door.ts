import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { keepAliveOptions } from '../postgres/keep-alive';
import { descriptorOf, listen } from '../postgres/listen';
import { listenOnSocketFile, socketFile, SocketFileError } from './socket-file';

/** Where clients connect. Port 0: a free one. */
export interface ListenOptions {
  readonly host: string;
  readonly port: number;
  /** Where to make a unix socket as well, named after the port. */
  readonly socketDirectory?: string | undefined;
  /** File descriptors that are listened on already, in place of host and port. */
  readonly descriptors?: readonly number[];
  /** Whoever listens there now is about to stop. */
  readonly isSuccessor?: boolean;
}

export interface ClientDoorOptions {
  readonly listen: ListenOptions;
  /** As of ProxyLimits. */
  readonly keepAliveMs: number;
  /** Nothing is read of a client until it is resumed, by whatever process. */
  readonly isPaused?: boolean;
  readonly accept: (client: Socket) => void;
  readonly failed: (error: Error) => void;
}

/** The sockets clients connect to. */
export class ClientDoor {
  /** One for each address. */
  private readonly servers: readonly [Server, ...Server[]];
  private readonly socketServer: Server;
  private isClosed = false;

  constructor(private readonly options: ClientDoorOptions) {
    const { accept, isPaused: pauseOnConnect = false } = options;
    const common = { allowHalfOpen: true, pauseOnConnect };
    const keepAlive = keepAliveOptions(options.keepAliveMs);
    const makeServer = (): Server => createServer({ ...common, noDelay: true, ...keepAlive }, accept);
    const [, ...more] = options.listen.descriptors ?? [];
    this.servers = [makeServer(), ...more.map(makeServer)];
    this.socketServer = createServer(common, accept);
  }

  /** The file descriptors it listens on, but for the unix socket, which a successor makes anew. */
  get descriptors(): readonly number[] {
    return this.servers.map(descriptorOf);
  }

  /** Begins to listen; resolves to the first address. Rejects if one cannot be had, or with SocketFileError. */
  async open(): Promise<AddressInfo> {
    const { servers, socketServer, options } = this;
    const { host, port, descriptors = [], socketDirectory, isSuccessor = false } = options.listen;
    const [first, ...more] = servers;
    const address = await listen(
      first,
      descriptors[0] === undefined ? { host, port } : { fd: descriptors[0] },
    );
    for (const [i, server] of more.entries()) await listen(server, { fd: descriptors[i + 1] ?? -1 });
    if (socketDirectory !== undefined) {
      const path = socketFile(socketDirectory, address.port);
      try {
        await listenOnSocketFile(socketServer, path, isSuccessor);
      } catch (error) {
        for (const server of servers) server.close();
        throw new SocketFileError(path, error);
      }
    }
    for (const each of [...servers, socketServer]) each.on('error', options.failed);
    return address;
  }

  /** Accepts no more; those that came stay. Safe to call more than once. */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    for (const server of [...this.servers, this.socketServer]) server.close();
  }
}
