import type { Invalidation } from '../../cache/invalidation';
import { CacheUnavailableError } from '../../errors/cache-unavailable-error';
import { messageOf } from '../../errors/message-of';
import { PgError, SqlState } from '../../errors/pg-error';
import type { Arguments } from './arguments';
import { columns, type ConsoleCommand } from './console-command';
import type { ConsoleSubjects } from './console-subjects';

/** A command of the console that does something. */
export interface SteeringCommand {
  readonly name: string;
  readonly form: string;
  readonly summary: string;
  read(args: Arguments, subjects: ConsoleSubjects): ConsoleCommand;
}

const modes = ['on', 'verify', 'observe', 'off', 'default'] as const;
/** As fragments are shown. */
const hashPattern = /^[0-9a-f]{64}$/;

export const steeringCommands: readonly SteeringCommand[] = [
  {
    name: 'RELOAD',
    form: '',
    summary: 'Read the configuration, certificates, user file and catalogs again, as SIGHUP does',
    read: (_, { control }) => ({
      columns: columns('option text, before text, after text'),
      isForGood: true,
      run: async () => {
        const outcome = await control.reload();
        if (outcome.status === 'refused')
          throw new PgError(
            SqlState.ConfigFileError,
            'the configuration is not reloaded; the old one stays',
            {
              detail: outcome.problems.join('\n'),
            },
          );
        const rows = outcome.changes.map(({ option, before, after }) => [
          option,
          shown(before),
          shown(after),
        ]);
        return { rows, tag: 'RELOAD' };
      },
    }),
  },
  {
    name: 'PAUSE POPULATION',
    form: '',
    summary: 'Have this proxy begin no fragment until RESUME POPULATION',
    read: (_, { control }) =>
      doing('PAUSE', async () => {
        checkPopulation(control.population);
        await control.pausePopulation();
      }),
  },
  {
    name: 'RESUME POPULATION',
    form: '',
    summary: 'Have it go on',
    read: (_, { control }) =>
      doing('RESUME', async () => {
        checkPopulation(control.population);
        await control.resumePopulation();
      }),
  },
  {
    name: 'SET MODE',
    form: '{ ON | VERIFY | OBSERVE | OFF | DEFAULT }',
    summary: 'Set the mode until it is set to DEFAULT, what the configuration says, or the proxy ends',
    read: (args, { control }) => {
      if (!args.takes('TO')) args.takesSymbol('=');
      const mode = args.choice('mode', modes);
      return doing('SET', async () => {
        try {
          await control.setMode(mode === 'default' ? undefined : mode);
        } catch (error) {
          const message = `the mode is not changed: ${messageOf(error)}`;
          throw new PgError(SqlState.ObjectNotInPrerequisiteState, message, { cause: error });
        }
      });
    },
  },
  {
    name: 'INVALIDATE',
    form: "{ ALL | PARTITION KEY name | TABLE schema.table | FRAGMENT 'hash' }",
    summary: 'Remove entries from the cache, for all who share it; they are learned anew',
    read: (args, { control }) => {
      const invalidation = readInvalidation(args);
      return {
        isForGood: true,
        run: async (signal) => {
          const count = await unlessAway(() => control.invalidate(invalidation, signal));
          return { rows: [], tag: `INVALIDATE ${count}` };
        },
      };
    },
  },
  {
    name: 'KILL',
    form: 'id',
    summary: "End a client's connection with 57P01; SHOW CLIENTS has the ids",
    read: (args, { kill }) => {
      const id = args.count('id', 9_999_999_999);
      return doing('KILL', async () => {
        if (!(await kill(id))) throw new PgError(SqlState.UndefinedObject, `there is no client ${id}`);
      });
    },
  },
];

function doing(tag: string, act: () => void | Promise<void>): ConsoleCommand {
  return {
    isForGood: true,
    run: async () => {
      await unlessAway(act);
      return { rows: [], tag };
    },
  };
}

async function unlessAway<T>(act: () => T | Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof CacheUnavailableError)) throw error;
    throw new PgError(SqlState.ObjectNotInPrerequisiteState, error.message, { cause: error });
  }
}

function checkPopulation(state: string): void {
  if (state !== 'elsewhere') return;
  throw new PgError(SqlState.ObjectNotInPrerequisiteState, 'this proxy runs no fragments', {
    hint: 'The mode is off, there are no databases, or population.run_by names who does.',
  });
}

function readInvalidation(args: Arguments): Invalidation {
  if (args.takes('ALL')) return { kind: 'all' };
  if (args.takes('TABLE')) {
    const table = args.dottedName('table');
    if (!table.includes('.')) throw args.wrong(`expected a schema before "${table}"`);
    return { kind: 'table', table };
  }
  if (args.takes('FRAGMENT')) {
    const hash = args.name('hash').toLowerCase();
    if (!hashPattern.test(hash)) throw args.wrong('expected the 64 digits that SHOW FRAGMENTS has');
    return { kind: 'fragment', hash };
  }
  if (args.takes('PARTITION') && args.takes('KEY'))
    return { kind: 'partitionKey', partitionKey: args.name('partition key') };
  throw args.wrong('expected what is to be removed');
}

function shown(value: unknown): string | undefined {
  return value === undefined ? undefined : typeof value === 'string' ? value : JSON.stringify(value);
}
