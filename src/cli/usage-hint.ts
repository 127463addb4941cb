import { nearestName } from '../ops/config/nearest-name';

/** What yargs says of an option or a command that there is not, and of a value that is none of those there are. */
const unknownArguments = /^Unknown (?:argument|command)s?: (.+)$/;
const wrongValue = /Argument: (\S+), Given: "([^"]*)", Choices: (.+)$/m;

/** Whether the options and commands there are would help who gets this message. */
export function isAboutArguments(message: string): boolean {
  return unknownArguments.test(message);
}

/**
 * A message of yargs with what was probably meant, and what is allowed.
 *
 * @param help the help of the last command that is known, for the names of its options or of the commands below it
 */
export function withHint(message: string, help: string): string {
  const value = wrongValue.exec(message);
  if (value !== null) {
    const [, , given = '', choices = ''] = value;
    const known = [...choices.matchAll(/"([^"]*)"/g)].map(([, choice = '']) => choice);
    const nearest = nearestName(given, known);
    return nearest === undefined ? message : `${message}\nDid you mean ${nearest}?`;
  }
  const [, listed = ''] = unknownArguments.exec(message) ?? [];
  if (listed === '') return message;
  const names = listed.split(', ');
  const commands = commandsIn(help);
  // Where a command is to come, the first word that is none is what is wrong, whatever stands behind it.
  const command = commands.length === 0 ? undefined : names.at(-1);
  if (command !== undefined) return unknownCommand(command, commands);
  const known = optionsIn(help);
  if (known.length === 0) return message;
  const meant = names.flatMap((name) => {
    const nearest = nearestName(name, known);
    return nearest === undefined ? [] : [`--${nearest} instead of ${name}`];
  });
  const hint = meant.length === 0 ? '' : `\nDid you mean ${meant.join(', ')}?`;
  return `${message}${hint}\nOptions: ${known.map((name) => `--${name}`).join(', ')}`;
}

function unknownCommand(name: string, known: readonly string[]): string {
  const nearest = nearestName(name, known);
  const hint = nearest === undefined ? '' : `\nDid you mean ${nearest}?`;
  return `Unknown command: ${name}${hint}\nCommands: ${known.join(', ')}`;
}

function optionsIn(help: string): readonly string[] {
  return [...new Set([...help.matchAll(/--([a-z][a-z0-9-]*)(?=[\s,])/gm)].map(([, name = '']) => name))];
}

/** Of the lines `  pcache manage cache   Count, …`, with as many words as the first line of the help has, and one more. */
function commandsIn(help: string): readonly string[] {
  const [, listed = ''] = /\nCommands:\n([^]*?)\n\n/.exec(help) ?? [];
  const lines = [...listed.matchAll(/^ {2}pcache ([a-z][a-z0-9 -]*?)(?: {2,}| \[| <|$)/gm)];
  return lines.map(([, words = '']) => words.split(' ').at(-1) ?? '');
}
