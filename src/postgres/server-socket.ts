import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { defaultKeepAliveMs, keepAliveOptions } from './keep-alive';
import { PlainSocket } from './plain-socket';
import { tlsConnectOptions, type Encryption, type ServerTls } from './server-tls';

/** Where a server listens. */
export interface ServerAddress {
  /** Host name, IP address, or the directory of a unix socket, which begins with a slash. */
  readonly host: string;
  readonly port: number;
  /** undefined: never TLS. */
  readonly tls?: ServerTls | undefined;
  /** Silence after which TCP asks whether the server is still there, in milliseconds; 0: never. By default a minute. */
  readonly keepAliveMs?: number;
}

/** What `net.connect` takes. PostgreSQL names its sockets after its port. */
export function socketTarget({
  host,
  port,
}: ServerAddress): { path: string } | { host: string; port: number } {
  return host.startsWith('/') ? { path: `${host}/.s.PGSQL.${String(port)}` } : { host, port };
}

/** SSLRequest: length 8, code 80877103. https://www.postgresql.org/docs/current/protocol-message-formats.html */
export const sslRequest: Buffer = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);

/**
 * Opens a connection, encrypted or not. Resolves to a socket that is the caller's to end, nothing sent on it yet that
 * belongs to a session; a TLSSocket if it is encrypted. With mode `prefer` a server without TLS gives a plain one.
 */
export function openServerSocket(
  address: ServerAddress,
  encryption: Encryption,
  timeoutMs: number,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const keepAlive = keepAliveOptions(address.keepAliveMs ?? defaultKeepAliveMs);
    const options = { ...socketTarget(address), ...keepAlive, noDelay: true, allowHalfOpen: true };
    const socket = encryption === 'plain' ? PlainSocket.open(options) : connect(options);
    const fail = (error: Error): void => {
      clearTimeout(timer);
      socket.off('close', closed);
      socket.destroy();
      reject(error);
    };
    const closed = (): void => fail(new Error('the server closed the connection during negotiation'));
    const timer = setTimeout(() => fail(new Error(`no answer within ${String(timeoutMs)} ms`)), timeoutMs);
    const done = (result: Socket): void => {
      clearTimeout(timer);
      result.off('error', fail);
      socket.off('close', closed);
      resolve(result);
    };
    socket.once('error', fail);
    socket.once('close', closed);
    socket.once('connect', () => {
      const { tls } = address;
      if (encryption === 'plain' || tls === undefined) done(socket);
      else negotiate(socket, address.host, tls, done, fail);
    });
  });
}

function negotiate(
  socket: Socket,
  host: string,
  tls: ServerTls,
  done: (result: Socket) => void,
  fail: (error: Error) => void,
): void {
  const ended = (): void => fail(new Error('the server closed the connection during negotiation'));
  socket.once('end', ended);
  socket.once('data', (answer) => {
    socket.pause();
    socket.off('end', ended);
    const letter = answer.toString('latin1', 0, 1);
    // Whoever sits between could have put them there, for us to take as if they came encrypted: CVE-2021-23222.
    if (answer.length > 1) fail(new Error('the server sent bytes before encryption was agreed on'));
    else if (letter === 'N' && tls.mode === 'prefer') done(socket);
    else if (letter === 'N') fail(new Error(`the server has no TLS, which tls.mode ${tls.mode} asks for`));
    else if (letter !== 'S') fail(new Error(`the server answered "${letter}" to the request for TLS`));
    else {
      const secured = connectTls({
        ...tlsConnectOptions(tls, host),
        socket,
        ...(isIP(host) === 0 ? { servername: host } : {}),
      });
      secured.once('error', fail);
      secured.once('secureConnect', () => done(secured));
    }
  });
  socket.write(sslRequest);
}
