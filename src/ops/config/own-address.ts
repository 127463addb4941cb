import { BlockList, isIP } from 'node:net';
import { normalize } from 'node:path';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** Addresses that stand for all that a machine has; `::` takes connections by IPv4 as well. */
const all: ReadonlyMap<string, readonly number[]> = new Map([
  ['0.0.0.0', [4]],
  ['::', [4, 6]],
  ['::0', [4, 6]],
]);

/**
 * Whether somebody who listens on `listened` is who answers at `other`, on the same port, as far as can be told without asking for names: the
 * same text, `localhost` and its addresses, and what a socket takes that listens on all addresses.
 */
export function isOwnAddress(listened: string, other: string): boolean {
  if (listened.toLowerCase() === other.toLowerCase()) return true;
  const families = all.get(listened);
  if (families === undefined) return isLocalhost(listened) && isLocalhost(other) && isName(listened, other);
  return families.some((family) => isLoopback(other, family)) || all.has(other);
}

/** The same for directories of unix sockets; one that is relative is somewhere else, for all that is known here. */
export function isOwnDirectory(listened: string, other: string): boolean {
  return normalize(`${listened}/`) === normalize(`${other}/`);
}

/** Two different addresses are two places, whatever they are addresses of. */
function isName(...hosts: readonly string[]): boolean {
  return hosts.some((host) => isIP(host) === 0);
}

function isLocalhost(host: string): boolean {
  return /^localhost\.?$/i.test(host) || host === '127.0.0.1' || host === '::1';
}

function isLoopback(host: string, family: number): boolean {
  if (isIP(host) === 0) return isLocalhost(host);
  return isIP(host) === family && loopback.check(host, family === 4 ? 'ipv4' : 'ipv6');
}
