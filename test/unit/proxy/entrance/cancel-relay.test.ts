import { createServer, type AddressInfo, type Socket } from 'node:net';
import { relayCancel } from '../../../../src/proxy/entrance/cancel-relay';

test('a server that answers a cancel request without end is left when the time is over', async () => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    const talk = (): void => {
      if (socket.destroyed) return;
      socket.write('and so on ');
      setTimeout(talk, 5);
    };
    talk();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const relayed = relayCancel({ host: '127.0.0.1', port }, Buffer.alloc(16), 100);
  await expect(relayed).rejects.toThrow('not closed within 100 ms');
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
});
