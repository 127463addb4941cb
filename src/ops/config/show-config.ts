import { Document, isPair, isScalar, visit } from 'yaml';
import type { CheckedConfig } from './check-config';
import { formatPath, isMapping, type OptionPath, valueAt } from './option-path';

/** Where each value came from: `file`, `default`, or the flag or the variable that says it; by the path of the option. */
export function originsOf({ file, written, origins }: CheckedConfig): Readonly<Record<string, string>> {
  const found: [string, string][] = [];
  const visitValue = (value: unknown, path: OptionPath): void => {
    if (isMapping(value)) {
      for (const [key, each] of Object.entries(value)) visitValue(each, [...path, key]);
      return;
    }
    const name = formatPath(path);
    found.push([name, origins.get(name) ?? (valueAt(written, path) === undefined ? 'default' : 'file')]);
  };
  visitValue(file, []);
  return Object.fromEntries(found);
}

/**
 * The configuration in force as YAML that could be a configuration file itself, every option included; a comment
 * tells where a value came from if that is not the file. Holds no secrets: the file only says where they are.
 */
export function showConfig({ file, written, origins }: CheckedConfig): string {
  const document = new Document(file, { aliasDuplicateObjects: false });
  visit(document, {
    Pair: (_, pair, parents) => {
      const { value } = pair;
      if (!isScalar(value)) return;
      const path = [...parents, pair].flatMap((parent) => (isPair(parent) ? [String(parent.key)] : []));
      const origin =
        origins.get(formatPath(path)) ?? (valueAt(written, path) === undefined ? 'default' : undefined);
      if (origin !== undefined) value.comment = ` ${origin}`;
    },
  });
  document.commentBefore =
    ' Beside each value where it came from; it is the file where nothing stands beside it.';
  return document.toString({ lineWidth: 0 });
}
