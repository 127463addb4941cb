import { PgError, SqlState } from '../../errors/pg-error';
import { nearestName } from '../config/nearest-name';
import { Arguments } from './arguments';
import { columns, type ConsoleCommand, type ConsoleResult } from './console-command';
import type { ConsoleSubjects } from './console-subjects';
import { explainForm, readExplain } from './explain-command';
import { sessionCommands } from './session-commands';
import { showCommands } from './show-commands';
import { type CommandText, splitCommands } from './split-commands';
import { steeringCommands } from './steering-commands';

interface KnownCommand {
  /** The words it begins with. */
  readonly name: string;
  readonly form: string;
  readonly summary: string;
  /** Answered by the very process that is asked, whatever others there are. */
  readonly isLocal?: boolean;
  read(args: Arguments, subjects: ConsoleSubjects): ConsoleCommand;
}

/** Has a command done by the process that oversees this one. Rejects as ConsoleCommand.run does. */
export type RunElsewhere = (text: string, signal: AbortSignal) => Promise<ConsoleResult>;

/** By name, in the order of SHOW HELP. */
export const commands: readonly KnownCommand[] = [
  ...showCommands.map((show) => ({ ...show, name: `SHOW ${show.name}`, read: show.read.bind(show) })),
  { name: 'SHOW HELP', form: '', summary: 'This list', isLocal: true, read: () => help },
  ...steeringCommands,
  {
    name: 'EXPLAIN',
    form: explainForm.slice('EXPLAIN '.length),
    summary: 'What would become of a statement, and why; nothing is run',
    // By what it knows of the session that was looked at last.
    isLocal: true,
    read: readExplain,
  },
];

const help: ConsoleCommand = {
  columns: columns('command text, what_it_does text'),
  run: async () => ({ rows: commands.map((command) => [formOf(command), command.summary]), tag: 'SHOW' }),
};

/**
 * Reads the commands of a text, one at a time, so that what comes before a wrong one is done. Throws PgError.
 *
 * @param elsewhere does those that are about more than this process
 */
export function* readCommands(
  text: string,
  subjects: ConsoleSubjects,
  elsewhere?: RunElsewhere,
): Generator<ConsoleCommand> {
  for (const command of splitCommands(text)) yield readCommand(command, subjects, elsewhere);
}

function readCommand(
  command: CommandText,
  subjects: ConsoleSubjects,
  elsewhere: RunElsewhere | undefined,
): ConsoleCommand {
  const words = leadingWords(command);
  const known = commands.find(({ name }) => isBegunBy(words, name));
  if (known !== undefined) {
    const rest = command.tokens.slice(known.name.split(' ').length);
    const args = new Arguments(rest, formOf(known), command);
    const read = known.read(args, subjects);
    args.finish();
    if (elsewhere === undefined || known.isLocal === true) return read;
    return { ...read, run: (signal) => elsewhere(command.text, signal) };
  }
  const [first = ''] = words;
  if (first === 'HELP' && command.tokens.length === 1) return help;
  const ofSession = sessionCommands.get(first);
  if (ofSession !== undefined) {
    const args = new Arguments(command.tokens.slice(1), `${first} …`, command);
    return ofSession(args);
  }
  throw unknown(command, words);
}

/** How a command is written. */
export function formOf({ name, form }: KnownCommand): string {
  return form === '' ? name : `${name} ${form}`;
}

/** As far as they can be the name of a command. */
function leadingWords({ tokens }: CommandText): readonly string[] {
  const end = tokens.slice(0, 2).findIndex(({ kind }) => kind !== 'word');
  return tokens.slice(0, end === -1 ? 2 : end).map(({ text }) => text.toUpperCase());
}

function isBegunBy(words: readonly string[], name: string): boolean {
  return name.split(' ').every((word, i) => words[i] === word);
}

function unknown({ text, tokens }: CommandText, words: readonly string[]): PgError {
  const names = commands.map(({ name }) => name);
  const nearest =
    nearestName(words.join(' '), names) ??
    (words.length > 1 ? nearestName(words[0] ?? '', names) : undefined);
  const written = words.join(' ') || (tokens[0]?.text ?? text);
  const all = `There are ${names.join(', ')}.`;
  return new PgError(SqlState.SyntaxError, `unknown command "${written.slice(0, 100)}"`, {
    detail: all,
    hint: nearest === undefined ? 'SHOW HELP tells what they do.' : `Did you mean ${nearest}?`,
  });
}
