// The least a proxy in Node can do: bytes from one socket to the other. Arguments: port to listen on, port to connect to.
const { connect, createServer } = require('node:net');

const [listenPort, upstreamPort] = process.argv.slice(2).map(Number);
const server = createServer({ noDelay: true }, (client) => {
  const upstream = connect({ host: '127.0.0.1', port: upstreamPort, noDelay: true });
  client.pipe(upstream).pipe(client);
  client.on('error', () => upstream.destroy());
  upstream.on('error', () => client.destroy());
});
server.listen(listenPort, '127.0.0.1', () => console.log('accepting connections'));
