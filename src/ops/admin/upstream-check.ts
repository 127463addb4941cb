import { connect } from 'node:net';
import { socketTarget, sslRequest } from '../../postgres/server-socket';
import type { Endpoint } from '../config/pcache-config';
import type { ReadinessCheck } from './readiness';

/**
 * Is a PostgreSQL server answering there? Asks whether it speaks TLS and hangs up: every server answers that with one
 * byte before any log-in, so the question leaves no failed log-in behind in the server's log, as a StartupMessage would.
 * It does not tell whether a server that is still recovering would let anyone in.
 */
export function upstreamCheck({ host, port }: Endpoint): ReadinessCheck {
  return {
    name: 'upstream',
    run: (signal) =>
      new Promise((resolve) => {
        const socket = connect(socketTarget({ host, port }));
        const finish = (reason: string | undefined): void => {
          signal.removeEventListener('abort', giveUp);
          socket.destroy();
          resolve(reason);
        };
        const giveUp = (): void => {
          finish(`${host}:${port} does not answer`);
        };
        signal.addEventListener('abort', giveUp);
        socket.once('connect', () => socket.write(sslRequest));
        socket.once('data', (reply) => {
          const isPostgres = reply[0] === 0x53 || reply[0] === 0x4e; // S or N
          finish(
            isPostgres
              ? undefined
              : `what answers at ${host}:${port} is not a PostgreSQL server that accepts connections`,
          );
        });
        socket.once('end', () => {
          finish(`${host}:${port} closed the connection`);
        });
        socket.once('error', (error) => {
          finish(`${host}:${port} cannot be reached: ${error.message}`);
        });
      }),
  };
}
