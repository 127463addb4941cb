/** The rows of a CSV text, as RFC 4180 and PostgreSQL write it: fields in double quotes may hold anything, a quote in them is doubled. */
export function readCsv(text: string): readonly (readonly string[])[] {
  const rows: string[][] = [];
  let row: string[] = [];
  // A carriage return by itself ends no row, and is no reason to leave out the rows behind it.
  const field = /(?:"([^"]*(?:""[^"]*)*)"|((?:[^,\r\n]|\r(?!\n))*))(,|\r?\n|$)/y;
  while (field.lastIndex < text.length) {
    const match = field.exec(text);
    if (match === null) break;
    const [, quoted, plain = '', end] = match;
    row.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end === ',') continue;
    if (row.length > 1 || row[0] !== '') rows.push(row);
    row = [];
  }
  if (row.length > 0) rows.push(row);
  return rows;
}
