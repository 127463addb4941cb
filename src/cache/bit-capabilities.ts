import type { CacheCapabilities } from './cache-backend';

/** What a backend can hold whose sets have a bit for each integer from 0 to `bits` - 1. */
export function bitCapabilities(bits: number): CacheCapabilities {
  return { keyTypes: new Set(['integer']), integerRange: { min: 0n, max: BigInt(bits) - 1n } };
}
