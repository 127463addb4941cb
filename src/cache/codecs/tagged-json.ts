const bigintTag = '$bigint';

/**
 * JSON that keeps bigints and loses nothing in silence: a bigint becomes {"$bigint": "1"}, a property name that begins with
 * `$` gets another one, so that data never looks like a tag. Properties that are undefined are left out. Anything else
 * JSON would change without a word (NaN, Map, Date, functions, undefined in arrays) throws TypeError.
 */
export function stringifyTagged(value: unknown): string {
  return JSON.stringify(tag(value, '$'));
}

/** The inverse of stringifyTagged. Throws SyntaxError for what is not JSON, or no tag we write. */
export function parseTagged(text: string): unknown {
  const value: unknown = JSON.parse(text);
  // Tags, and names that could be taken for one, begin like this; most texts have neither, and are done.
  return text.includes('"$') ? untag(value) : value;
}

function tag(value: unknown, path: string): unknown {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (typeof value === 'bigint') return { [bigintTag]: value.toString() };
  if (Array.isArray(value)) return value.map((item: unknown, i) => tag(item, `${path}[${i}]`));
  if (isPlainObject(value)) {
    return Object.fromEntries(
      Object.entries(value)
        .filter(([, item]) => item !== undefined)
        .map(([name, item]) => [name.startsWith('$') ? `$${name}` : name, tag(item, `${path}.${name}`)]),
    );
  }
  throw new TypeError(`${path} is not plain data`);
}

function untag(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(untag);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value);
  const [first] = entries;
  if (first?.[0] === bigintTag && entries.length === 1) return BigInt(digits(first[1]));
  return Object.fromEntries(
    entries.map(([name, item]) => [name.startsWith('$$') ? name.slice(1) : name, untag(item)]),
  );
}

function digits(value: unknown): string {
  if (typeof value === 'string' && /^-?\d+$/.test(value)) return value;
  throw new SyntaxError(`not the digits of a bigint: ${JSON.stringify(value)}`);
}

function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
