import { parseRedisAddresses } from '../../../../src/ops/config/redis-addresses';

test.each([
  ['redis', [{ host: 'redis', port: 6379 }]],
  ['10.0.0.1:7000', [{ host: '10.0.0.1', port: 7000 }]],
  [
    'a:1, b:65535',
    [
      { host: 'a', port: 1 },
      { host: 'b', port: 65_535 },
    ],
  ],
  ['[::1]:7000', [{ host: '::1', port: 7000 }]],
  ['[fe80::1]', [{ host: 'fe80::1', port: 6379 }]],
])('applies: %s', (text, addresses) => {
  expect(parseRedisAddresses(text)).toEqual(addresses);
});

test.each(['', ',', 'a:0', 'a:65536', 'a:b', '::1', 'redis://a', 'a b', 'a:1,'])('refuses: %j', (text) => {
  expect(() => parseRedisAddresses(text)).toThrow(/expected host:port, several separated by commas/);
});
