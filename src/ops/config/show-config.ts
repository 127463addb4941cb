import { Document, isMap, isScalar, type Node } from 'yaml';
import type { CheckedConfig } from './check-config';
import { listConfigOptions } from './config-options';
import { valueAt } from './option-path';

/**
 * The configuration in force as YAML that could be a configuration file itself, every option included; a comment
 * tells where a value came from if that is not the file. Holds no secrets: the file only says where they are.
 */
export function showConfig({ file, written, origins }: CheckedConfig): string {
  const document = new Document(file, { aliasDuplicateObjects: false });
  for (const { name, path } of listConfigOptions()) {
    const node = document.getIn(path, true) as Node | undefined;
    if (!isScalar(node)) continue;
    const origin = origins.get(name) ?? (valueAt(written, path) === undefined ? 'default' : undefined);
    if (origin !== undefined) node.comment = ` ${origin}`;
  }
  markDefaultsOfKeys(document, written);
  return document.toString({ lineWidth: 0 });
}

/** The options with a default that stand once for each partition key. */
function markDefaultsOfKeys(document: Document, written: unknown): void {
  const databases = document.get('databases');
  if (!isMap(databases)) return;
  for (const database of databases.items) {
    const keys = document.getIn(['databases', database.key, 'partition_keys']);
    if (!isMap(keys)) continue;
    for (const { key } of keys.items) {
      const path = ['databases', String(database.key), 'partition_keys', String(key)];
      for (const option of keyOptions) {
        const node = document.getIn([...path, ...option], true);
        if (isScalar(node) && valueAt(written, [...path, ...option]) === undefined) node.comment = ' default';
      }
    }
  }
}

const prefix = ['databases', '<name>', 'partition_keys', '<key>'];
/** Their places below the key. */
const keyOptions = listConfigOptions()
  .filter(({ path, default: value }) => value !== undefined && prefix.every((key, i) => path[i] === key))
  .map(({ path }) => path.slice(prefix.length));
