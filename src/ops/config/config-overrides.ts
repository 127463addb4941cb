import { listConfigOptions, type ConfigOption } from './config-options';
import { nearestName } from './nearest-name';
import { formatPath, setAt, type OptionProblem } from './option-path';
import { readYaml } from './yaml-document';

/** A value for one option from outside the file. */
export interface Override {
  /** As in the file: `listen.port`. */
  readonly name: string;
  readonly value: string;
  /** What to call the place it came from in messages, such as `--set`. */
  readonly origin: string;
}

export interface Overridden {
  readonly data: unknown;
  readonly problems: readonly OptionProblem[];
  /** Where the value of an option came from, for those that are not from the file. */
  readonly origins: ReadonlyMap<string, string>;
}

/** Puts environment and flags over the data of the file, which is not changed. */
export function applyOverrides(
  data: unknown,
  sources: {
    readonly environment: Readonly<Record<string, string | undefined>>;
    readonly flags?: readonly Override[];
  },
): Overridden {
  const problems: OptionProblem[] = [];
  const origins = new Map<string, string>();
  let result = data;
  for (const override of [...fromEnvironment(sources.environment), ...(sources.flags ?? [])]) {
    const option = settable().find(({ name }) => name === override.name);
    if (option === undefined) {
      const path = override.name.split('.');
      problems.push({ path, message: unknownName(override) });
      origins.set(formatPath(path), override.origin);
      continue;
    }
    result = setAt(result, option.path, parseValue(option, override.value));
    origins.set(option.name, override.origin);
  }
  return { data: result, problems, origins };
}

/** What environment or flags say of an option; undefined: nothing. */
export function valueAbove(name: string, sources: Parameters<typeof applyOverrides>[1]): string | undefined {
  const said = [...fromEnvironment(sources.environment), ...(sources.flags ?? [])];
  return said.findLast((override) => override.name === name)?.value;
}

function settable(): readonly ConfigOption[] {
  return listConfigOptions().filter(({ environmentVariable }) => environmentVariable !== undefined);
}

function* fromEnvironment(environment: Readonly<Record<string, string | undefined>>): Generator<Override> {
  for (const { name, environmentVariable } of settable()) {
    const value = environmentVariable === undefined ? undefined : environment[environmentVariable];
    // Compose files and shells pass on unset variables as empty ones; no option has an empty value.
    if (value === undefined || value === '') continue;
    yield { name, value, origin: environmentVariable ?? name };
  }
}

function unknownName({ name }: Override): string {
  const nearest = nearestName(
    name,
    settable().map((option) => option.name),
  );
  return nearest === undefined
    ? 'no such option; pcache config show lists them'
    : `no such option; did you mean ${nearest}?`;
}

/** Numbers and booleans as YAML writes them; what is not one stays text, for the schema to refuse. */
function parseValue(option: ConfigOption, value: string): unknown {
  if (option.kind === 'text') return value;
  const { data, problems } = readYaml(value);
  return problems.length > 0 ? value : data;
}
