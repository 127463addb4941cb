/**
 * 53 bits of a text, or of several one after the other. Quick, and no proof of anything: somebody can make two texts with one
 * digest. Whoever finds something by its digest has to make sure by other means that it is what was looked for.
 */
export type Digest = number;

/** @param seed what came before, 0 at the beginning */
export function digestText(seed: Digest, text: string): Digest {
  let low = (seed >>> 0) ^ text.length;
  let high = (seed / twoTo32) ^ text.length;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    low = Math.imul(low ^ code, 0x9e3779b1);
    high = Math.imul(high ^ code, 0x5f356495);
  }
  return mix(low, high);
}

/** The order matters. */
export function digestPair(first: Digest, second: Digest): Digest {
  return mix(
    Math.imul((first >>> 0) ^ 0x2c1b3c6d, 0x9e3779b1) ^ (second >>> 0),
    Math.imul((first / twoTo32) ^ 0x297a2d39, 0x5f356495) ^ (second / twoTo32),
  );
}

/** 32 bits of it. */
export function shortDigest(digest: Digest): number {
  return (digest ^ (digest / twoTo32)) >>> 0;
}

const twoTo32 = 4_294_967_296;
const twoTo21 = 2_097_152;

function mix(low: number, high: number): Digest {
  const a = Math.imul(low ^ (low >>> 16), 0x85ebca6b) ^ Math.imul(high ^ (high >>> 13), 0xc2b2ae35);
  const b = Math.imul(high ^ (high >>> 16), 0x85ebca6b) ^ Math.imul(a ^ (a >>> 13), 0xc2b2ae35);
  return (b >>> 0) * twoTo21 + ((a >>> 0) & (twoTo21 - 1));
}
