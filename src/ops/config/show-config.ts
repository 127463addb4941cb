import { Document, isPair, isScalar, visit } from 'yaml';
import type { CheckedConfig } from './check-config';
import { formatPath, valueAt } from './option-path';

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
  return document.toString({ lineWidth: 0 });
}
