import type { Endpoint } from './pcache-config';

/** `host:port`, several separated by commas; an IPv6 address stands in brackets. Throws TypeError, with what was expected. */
export function parseRedisAddresses(text: string): readonly [Endpoint, ...Endpoint[]] {
  const [first, ...others] = text.split(',').map((address) => parseAddress(address.trim()));
  // A split has one part at least.
  return [first as Endpoint, ...others];
}

function parseAddress(address: string): Endpoint {
  const [, bracketed, plain, digits = '6379'] =
    /^(?:\[([\da-fA-F:.]+)\]|([^\s:[\]]+))(?::(\d{1,5}))?$/.exec(address) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  if (host === undefined || port < 1 || port > 65_535)
    throw new TypeError(`expected host:port, several separated by commas, got ${JSON.stringify(address)}`);
  return { host, port };
}
