/** One thing that is wrong with a configuration: where it stands, and what was expected instead. */
export interface ConfigProblem {
  /** Dotted path of the option, such as `databases.places.partition_keys.region.datatype`. */
  readonly path: string;
  readonly message: string;
}

/** A configuration that cannot be used. It names every problem at once; the command line exits with code 2. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  constructor(
    readonly source: string,
    readonly problems: readonly ConfigProblem[],
  ) {
    super([`${source}:`, ...problems.map(({ path, message }) => `  ${path}: ${message}`)].join('\n'));
  }
}
