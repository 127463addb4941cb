import { z } from 'zod';
import { configSchema } from './config-schema';
import { formatPath, type OptionPath } from './option-path';

/** One row of the configuration table. */
export interface ConfigOption {
  readonly path: OptionPath;
  /** As a person writes it: `databases.<name>.control.user`. */
  readonly name: string;
  readonly kind: 'text' | 'number' | 'boolean';
  /** What a value must be, as messages say it. */
  readonly expects: string;
  /** undefined: there is none; `isRequired` tells whether that matters. */
  readonly default: string | number | boolean | undefined;
  readonly isRequired: boolean;
  readonly description: string;
  /** The variable that overrides the file; options of single databases have none. */
  readonly environmentVariable: string | undefined;
}

/** The part of JSON Schema (2020-12) that zod writes for our schema. */
interface JsonSchema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly required?: readonly string[];
  readonly default?: unknown;
  readonly description?: string;
  readonly expects?: string;
}

/** How the keys of each free mapping are called in paths. */
const placeholders: Readonly<Record<string, string>> = {
  databases: '<name>',
  partition_keys: '<key>',
  tables: '<schema.table>',
  add_constraints: '<schema.table>',
};

const root = z.toJSONSchema(configSchema, { io: 'input' }) as JsonSchema;

/** Every option of the file, in its order: what the README's table is made of and flags and variables are read by. */
export function listConfigOptions(): readonly ConfigOption[] {
  return options;
}

const options: readonly ConfigOption[] = [...walk(root, [], true)];

function* walk(schema: JsonSchema, path: OptionPath, isRequired: boolean): Generator<ConfigOption> {
  if (schema.properties !== undefined) {
    for (const [key, property] of Object.entries(schema.properties)) {
      yield* walk(property, [...path, key], schema.required?.includes(key) ?? false);
    }
  } else if (typeof schema.additionalProperties === 'object') {
    const placeholder = placeholders[path.at(-1) ?? ''] ?? '<key>';
    yield* walk(schema.additionalProperties, [...path, placeholder], true);
  } else {
    yield optionOf(schema, path, isRequired);
  }
}

function optionOf(schema: JsonSchema, path: OptionPath, isRequired: boolean): ConfigOption {
  const value = schema.default;
  return {
    path,
    name: path.map((key) => (key.startsWith('<') ? key : formatPath([key]))).join('.'),
    kind: kindOf(schema),
    expects: schema.expects ?? 'a value',
    default: Array.isArray(value)
      ? JSON.stringify(value)
      : typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
        ? value
        : undefined,
    isRequired,
    description: schema.description ?? '',
    environmentVariable: path[0] === 'databases' ? undefined : `PCACHE_${path.join('_').toUpperCase()}`,
  };
}

function kindOf(schema: JsonSchema): ConfigOption['kind'] {
  // As YAML writes it, the word of a choice between numbers and a word is that word.
  const [first] = schema.anyOf ?? [];
  if (first !== undefined) return kindOf(first);
  if (schema.type === 'integer' || schema.type === 'number') return 'number';
  return schema.type === 'boolean' ? 'boolean' : 'text';
}

/** What is known of the place at `path`, be it an option or a mapping of options. */
export interface OptionPlace {
  readonly expects: string;
  /** Names that may stand there; undefined where they are free or where there are none. */
  readonly knownKeys: readonly string[] | undefined;
}

/** undefined if the schema has no such place. */
export function describePlace(path: OptionPath): OptionPlace | undefined {
  let schema: JsonSchema | undefined = root;
  for (const key of path) {
    const properties: Readonly<Record<string, JsonSchema>> | undefined = schema.properties;
    const rest: JsonSchema | boolean | undefined = schema.additionalProperties;
    if (schema.items !== undefined) schema = schema.items;
    else if (properties !== undefined) schema = Object.hasOwn(properties, key) ? properties[key] : undefined;
    else schema = typeof rest === 'object' ? rest : undefined;
    if (schema === undefined) return undefined;
  }
  const isMapping = schema.type === 'object';
  return {
    expects: schema.expects ?? (isMapping ? 'a mapping of options' : 'a value'),
    knownKeys: schema.properties === undefined ? undefined : Object.keys(schema.properties),
  };
}
