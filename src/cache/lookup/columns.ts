/** Numbers of one kind, one for each row. */
export type Column = Uint8Array | Uint16Array | Uint32Array | Float64Array;

/** How many rows there is room for once `rows` do not fit: an eighth more, so that little lies idle. */
export function roomFor(rows: number): number {
  return Math.max(64, rows + (rows >>> 3));
}

/** The same numbers in a column with room for more of them. */
export function grown<T extends Column>(column: T, length: number): T {
  const larger = new (column.constructor as new (length: number) => T)(length);
  larger.set(column);
  return larger;
}
