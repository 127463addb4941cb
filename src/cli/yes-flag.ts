import type { Argv } from 'yargs';

/** The option of every command that destroys something: it asks, and where nobody can be asked it takes this; see confirm. */
export interface YesFlag {
  readonly yes: boolean;
}

export function withYesFlag<T>(argv: Argv<T>): Argv<T & YesFlag> {
  return argv.option('yes', {
    type: 'boolean',
    default: false,
    describe: 'Do not ask; needed where nobody can be asked',
  });
}
