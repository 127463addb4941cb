import type { ControlClient, QueryOptions } from '../../postgres/control-client';
import { sqlFile } from '../../postgres/sql-files';
import type { Fragment } from '../../query/fragment/fragment';

const applySettings = sqlFile('apply-fragment-settings');
const readRawSettings = sqlFile('read-raw-settings');
const unusableSchema = sqlFile('unusable-schema');

/** What is wrong with the settings, or undefined. A fragment under other settings could mean something else (rule S7). */
export async function applyFragmentSettings(
  client: ControlClient,
  fragment: Fragment,
  limits: QueryOptions,
): Promise<string | undefined> {
  const wanted = new Map(Object.entries(fragment.settings));
  if (wanted.size === 0) return undefined;
  const searchPath = wanted.get('search_path');
  if (searchPath !== undefined) {
    const [schema] = await client.query<{ name: string }>(unusableSchema, [searchPath], limits);
    if (schema !== undefined)
      return `the role may not use the schema ${JSON.stringify(schema.name)}, whose functions and operators may be meant`;
  }
  const applied = await client.query<{ name: string; value: string }>(
    applySettings,
    [[...wanted.keys()], [...wanted.values()]],
    limits,
  );
  const differing = applied.filter(({ name, value }) => wanted.get(name) !== value);
  if (differing.length === 0) return undefined;
  // '64MB' and '65536' are the same work_mem: set_config answers in the one form, pg_settings in the other.
  const names = differing.map(({ name }) => name);
  const raw = await client.query<{ name: string; setting: string }>(readRawSettings, [names], limits);
  const rawValues = new Map(raw.map(({ name, setting }) => [name, setting]));
  const wrong = differing.find(({ name }) => rawValues.get(name) !== wanted.get(name));
  if (wrong === undefined) return undefined;
  return `setting ${wrong.name} became '${wrong.value}' where the fragment needs '${wanted.get(wrong.name) ?? ''}'`;
}
