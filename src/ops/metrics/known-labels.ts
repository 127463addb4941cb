/**
 * Keeps a label to a closed set: each value makes a time series that lives as long as the process, so a text that
 * somebody else can make up must never become one.
 */
export function knownLabels(known: Iterable<string>): (value: string | undefined) => string {
  const set = new Set(known);
  return (value) => (value === undefined ? 'none' : set.has(value) ? value : 'other');
}
