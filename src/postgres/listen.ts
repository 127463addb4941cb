import type { AddressInfo, ListenOptions, Server } from 'node:net';

/** Resolves to the address once the server listens; rejects if it cannot. */
export function listen(
  server: Server,
  where: ListenOptions & { readonly fd?: number },
): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(where, () => {
      server.off('error', reject);
      const address = server.address();
      if (address === null) reject(new Error('the server was closed'));
      // Of a unix socket that was handed over.
      else if (typeof address === 'string') resolve({ address, family: 'unix', port: 0 });
      else resolve(address);
    });
  });
}

/**
 * The file descriptor a server listens on, for another process to have it too. Node.js has no other name for it, and hands servers over only
 * to processes of its own that take its messages for it.
 */
export function descriptorOf(server: Server): number {
  const { _handle: handle } = server as Server & { readonly _handle?: { readonly fd?: number } };
  if (handle?.fd === undefined || handle.fd < 0) throw new Error('the server does not listen');
  return handle.fd;
}
