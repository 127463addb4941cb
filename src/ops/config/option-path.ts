/** Where an option stands: the keys from the top of the file down to it. */
export type OptionPath = readonly string[];

/** Something wrong with the option at `path`, before it is known which line or variable it came from. */
export interface OptionProblem {
  readonly path: OptionPath;
  readonly message: string;
}

/** `databases.places.partition_keys.region.tables["public.place"]` */
export function formatPath(path: OptionPath): string {
  let formatted = '';
  for (const key of path) {
    if (!/^[\p{L}_<][\p{L}\p{N}_>-]*$/u.test(key)) formatted += `[${JSON.stringify(key)}]`;
    else formatted += formatted === '' ? key : `.${key}`;
  }
  return formatted === '' ? '(file)' : formatted;
}

/** What stands at `path` in parsed but unchecked data; undefined where nothing does. */
export function valueAt(data: unknown, path: OptionPath): unknown {
  let value = data;
  for (const key of path) {
    if (Array.isArray(value)) {
      value = (value as unknown[])[Number(key)];
      continue;
    }
    if (!isMapping(value) || !Object.hasOwn(value, key)) return undefined;
    value = value[key];
  }
  return value;
}

/** The keys and values of a mapping; none for anything else. */
export function entriesOf(value: unknown): [string, unknown][] {
  return isMapping(value) ? Object.entries(value) : [];
}

export function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The same data with another value at `path`. */
export function setAt(data: unknown, path: OptionPath, value: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  // A section that is not a mapping is wrong anyway; it is left for the schema to report.
  if (data !== undefined && data !== null && !isMapping(data)) return data;
  return { ...data, [key]: setAt(data?.[key], rest, value) };
}
