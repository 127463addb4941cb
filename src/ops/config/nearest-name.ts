/** The known name most like the one given (of two that are alike, one that it is the beginning of), or undefined if none is close enough to be what was meant. */
export function nearestName(name: string, names: readonly string[]): string | undefined {
  const wanted = normalise(name);
  let best: { readonly name: string; readonly distance: number } | undefined;
  for (const candidate of names) {
    const known = normalise(candidate);
    // Half a letter.
    const distance = editDistance(wanted, known) - (known.startsWith(wanted) ? 0.5 : 0);
    if (best === undefined || distance < best.distance) best = { name: candidate, distance };
  }
  const tolerated = Math.max(1, Math.floor(wanted.length / 3));
  return best !== undefined && best.distance <= tolerated ? best.name : undefined;
}

/** `minQueryMs` and `min-query-ms` are the same mistake as `min_query_ms` with other habits. */
function normalise(name: string): string {
  return name.toLowerCase().replaceAll(/[-_]/g, '');
}

/** Damerau's distance (insert, delete, replace, swap of neighbours), in its optimal-string-alignment form. */
function editDistance(a: string, b: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const replaced = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      let least = Math.min(replaced, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1);
      if (a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        least = Math.min(least, (beforePrevious[column - 2] ?? Infinity) + 1);
      }
      current.push(least);
    }
    beforePrevious = previous;
    previous = current;
  }
  return previous[b.length] ?? 0;
}
