import {
  entriesOf,
  formatPath,
  isMapping,
  setAt,
  valueAt,
  type OptionPath,
  type OptionProblem,
} from './option-path';

interface Renamed {
  readonly name: string;
  /** The old name said the opposite. */
  readonly isNegated: boolean;
}

/** Names that options of `fragments` have had elsewhere, or on command lines. */
const renamed: ReadonlyMap<string, Renamed> = new Map([
  ['star_join_table', { name: 'partition_join_table', isNegated: false }],
  ['auto_detect_star_join', { name: 'auto_detect_partition_join', isNegated: false }],
  ['no_auto_detect_star_join', { name: 'auto_detect_partition_join', isNegated: true }],
  ['no_auto_detect_partition_join', { name: 'auto_detect_partition_join', isNegated: true }],
  ['no_warn_partition_key', { name: 'warn_no_partition_key', isNegated: true }],
]);

export interface NewNames {
  readonly data: unknown;
  readonly problems: readonly OptionProblem[];
  /** One sentence for each old name. */
  readonly notices: readonly string[];
}

/** Puts new names for old ones. */
export function withNewNames(data: unknown): NewNames {
  const problems: OptionProblem[] = [];
  const notices: string[] = [];
  let result = data;
  for (const path of fragmentsSections(data)) {
    const section = valueAt(data, path);
    if (!isMapping(section)) continue;
    const changed = new Map(Object.entries(section));
    for (const [old, { name, isNegated }] of renamed) {
      if (!changed.has(old)) continue;
      const value = changed.get(old);
      changed.delete(old);
      if (changed.has(name)) {
        problems.push({
          path: [...path, old],
          message: `is the old name of ${name}, which stands there as well`,
        });
        continue;
      }
      if (isNegated && typeof value !== 'boolean') {
        problems.push({
          path: [...path, old],
          message: `expected true or false; the new name is ${name}, which is the opposite`,
        });
        continue;
      }
      changed.set(name, isNegated ? value !== true : value);
      const written = isNegated ? `${name}, which says the opposite` : name;
      notices.push(`${formatPath([...path, old])}: the new name is ${written}`);
    }
    result = setAt(result, path, Object.fromEntries(changed));
  }
  return { data: result, problems, notices };
}

function fragmentsSections(data: unknown): readonly OptionPath[] {
  return entriesOf(valueAt(data, ['databases'])).flatMap(([database, content]) =>
    entriesOf(valueAt(content, ['partition_keys'])).map(([key]) => [
      'databases',
      database,
      'partition_keys',
      key,
      'fragments',
    ]),
  );
}
