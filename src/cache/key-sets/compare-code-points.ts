/**
 * Orders strings by code point, which is the order of their UTF-8 bytes and of PostgreSQL's collation "C". JavaScript's
 * own order is by UTF-16 code unit and differs: it puts U+10000 (D800 DC00) before U+FFFD. Both must be well-formed.
 */
export function compareCodePoints(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  let i = 0;
  while (i < length && a.charCodeAt(i) === b.charCodeAt(i)) i++;
  if (i === length) return a.length - b.length;
  return rank(a.charCodeAt(i)) - rank(b.charCodeAt(i));
}

/** Surrogates stand for code points above the basic plane: they rank after all of it. */
function rank(codeUnit: number): number {
  return codeUnit >= 0xd800 && codeUnit <= 0xdfff ? codeUnit + 0x10000 : codeUnit;
}
