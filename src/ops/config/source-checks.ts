import { entriesOf, isMapping, valueAt, type OptionPath, type OptionProblem } from './option-path';
import { sourceKinds } from './source-schema';

type SourceKind = (typeof sourceKinds)[number];

/** What each kind needs, and what it takes besides. */
const options: Readonly<
  Record<SourceKind, { readonly needs: readonly string[]; readonly takes: readonly string[] }>
> = {
  standby: { needs: ['host'], takes: ['port'] },
  mysql: { needs: ['host', 'user', 'database'], takes: ['port', 'password_env', 'password_file', 'schema'] },
  sqlite: { needs: ['path'], takes: ['schema'] },
};

/** @param path of the database, whose section `source` is looked at */
export function* checkSource(data: unknown, path: OptionPath, database: unknown): Generator<OptionProblem> {
  const source = valueAt(database, ['source']);
  const kind = sourceKinds.find((known) => known === valueAt(source, ['kind']));
  if (kind === undefined || !isMapping(source)) return;
  if (valueAt(data, ['population', 'run_by']) === 'database')
    yield {
      path: [...path, 'source'],
      message: 'is of no use where population.run_by is database: the database runs its fragments itself',
    };
  const { needs, takes } = options[kind];
  for (const name of needs)
    if (valueAt(source, [name]) === undefined)
      yield { path: [...path, 'source', name], message: `is required: a source of kind ${kind} takes it` };
  for (const [name] of entriesOf(source))
    if (name !== 'kind' && !needs.includes(name) && !takes.includes(name) && knownOptions.has(name))
      yield { path: [...path, 'source', name], message: `is of no use to a source of kind ${kind}` };
  if (kind === 'standby') return;
  for (const [key, partitionKey] of entriesOf(valueAt(database, ['partition_keys'])))
    if (valueAt(partitionKey, ['consistency']) !== 'static')
      yield {
        path: [...path, 'partition_keys', key, 'consistency'],
        message: `expected "static": nothing tells when a copy of kind ${kind} falls behind, so that its keys cannot be exact`,
      };
}

const knownOptions = new Set(Object.values(options).flatMap(({ needs, takes }) => [...needs, ...takes]));
