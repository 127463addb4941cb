import { ConfigError, type ConfigProblem } from '../../errors/config-error';
import { listConfigOptions } from './config-options';
import { applyOverrides, type Override, valueAbove } from './config-overrides';
import { configSchema, type ConfigFile } from './config-schema';
import { withNewNames } from './old-names';
import { readPasswords } from './passwords';
import { crossCheck } from './cross-checks';
import { formatPath, isMapping, setAt, valueAt, type OptionProblem } from './option-path';
import { describeIssues } from './schema-problems';
import type { Secret } from './secret';
import { withVariables, type WithoutFile } from './with-variables';
import { readYaml, type YamlDocument } from './yaml-document';

export interface ConfigSources {
  /** What the text is called in messages. */
  readonly source: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Relative paths start here. */
  readonly workingDirectory: string;
  /** From the command line, stronger than the environment, which is stronger than the file. */
  readonly flags?: readonly Override[];
  /** There is no file: what its text would say is in the environment. */
  readonly withoutFile?: WithoutFile;
}

/** A configuration that passed every check, still under the file's own names. */
export interface CheckedConfig {
  readonly file: ConfigFile;
  /** The file's own content, as far as it said anything. */
  readonly written: unknown;
  /** For options that environment or command line decided: what to call the place. By name (`listen.port`). */
  readonly origins: ReadonlyMap<string, string>;
  /** By the place that says where they are; see passwords.ts. */
  readonly passwords: ReadonlyMap<string, Secret>;
  /** What its author may want to know; nothing that is wrong. */
  readonly notices: readonly string[];
}

/**
 * Checks the configuration in a YAML text, under what environment and command line say.
 * Throws ConfigError with every problem there is, in the order of the file.
 */
export function checkConfig(text: string, sources: ConfigSources): CheckedConfig {
  const document = readYaml(text);
  if (document.problems.length > 0) throw new ConfigError(sources.source, document.problems);

  const { data: written, problems: oldNames, notices } = withNewNames(normaliseMode(document.data ?? {}));
  const variables = withVariables(
    written,
    sources.environment,
    valueAbove('cache.backend', sources),
    sources.withoutFile,
  );
  const overridden = applyOverrides(variables.data, sources);
  const { data, problems: overrideProblems } = overridden;
  const origins = new Map([...variables.origins, ...overridden.origins]);
  const parsed = configSchema.safeParse(data);
  const passwords = readPasswords(data, sources.environment, sources.workingDirectory);
  const problems = [
    ...oldNames,
    ...overrideProblems,
    ...(parsed.success ? [] : describeIssues(data, parsed.error.issues)),
    ...crossCheck(
      withDefaults(data),
      sources.withoutFile === undefined ? undefined : sources.environment['DB_NAME'],
    ),
    ...passwords.problems,
  ];
  if (!parsed.success || problems.length > 0) {
    throw new ConfigError(sources.source, inFileOrder(problems, document, origins));
  }
  return { file: parsed.data, written, origins, passwords: passwords.byPlace, notices };
}

/** Only a text that declares itself YAML 1.1 reads an unquoted on as true; what it means is clear all the same. */
function normaliseMode(data: unknown): unknown {
  if (!isMapping(data) || typeof data['mode'] !== 'boolean') return data;
  return { ...data, mode: data['mode'] ? 'on' : 'off' };
}

/** Fills in what crossCheck compares with each other, also where other places are wrong. */
function withDefaults(data: unknown): unknown {
  if (!isMapping(data)) return data;
  let filled: unknown = data;
  for (const { path, default: value } of listConfigOptions()) {
    if (value === undefined || path[0] === 'databases') continue;
    if (valueAt(filled, path) === undefined) filled = setAt(filled, path, value);
  }
  return filled;
}

function inFileOrder(
  problems: readonly OptionProblem[],
  document: YamlDocument,
  origins: ReadonlyMap<string, string>,
): ConfigProblem[] {
  return problems
    .map(({ path, message }) => {
      const name = formatPath(path);
      const origin = origins.get(name);
      const line = origin === undefined ? document.lineOf(path) : undefined;
      return { path: name, message: `${message}${place(origin, line)}`, line: line ?? Infinity };
    })
    .sort((a, b) => (a.line === b.line ? 0 : a.line - b.line))
    .map(({ path, message }) => ({ path, message }));
}

function place(origin: string | undefined, line: number | undefined): string {
  if (origin !== undefined) return ` (from ${origin})`;
  return line === undefined ? '' : ` (line ${line})`;
}
