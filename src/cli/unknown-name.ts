import { nearestName } from '../ops/config/nearest-name';

/** Says that there is none of a name, which there are, and which of them was probably meant. */
export function unknownName(what: string, name: string, where: string, known: readonly string[]): string {
  const others = known.length === 0 ? 'there is none' : `there are ${known.join(', ')}`;
  const nearest = nearestName(name, known);
  const hint = nearest === undefined ? '' : `; did you mean ${nearest}?`;
  return `there is no ${what} ${name} ${where}: ${others}${hint}`;
}
