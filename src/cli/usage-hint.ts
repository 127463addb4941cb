import { nearestName } from '../ops/config/nearest-name';

/** What yargs says of an option that there is not, and of a value that is none of those there are. */
const unknownOptions = /^Unknown arguments?: (.+)$/;
const wrongValue = /Argument: (\S+), Given: "([^"]*)", Choices: (.+)$/m;

/** Whether the options there are would help who gets this message. */
export function isAboutOptions(message: string): boolean {
  return unknownOptions.test(message);
}

/**
 * A message of yargs with what was probably meant, and what is allowed.
 *
 * @param help the help of the command, for the names of its options
 */
export function withHint(message: string, help: string): string {
  const value = wrongValue.exec(message);
  if (value !== null) {
    const [, , given = '', choices = ''] = value;
    const known = [...choices.matchAll(/"([^"]*)"/g)].map(([, choice = '']) => choice);
    const nearest = nearestName(given, known);
    return nearest === undefined ? message : `${message}\nDid you mean ${nearest}?`;
  }
  const [, listed = ''] = unknownOptions.exec(message) ?? [];
  const known = optionsIn(help);
  if (listed === '' || known.length === 0) return message;
  const meant = listed.split(', ').flatMap((name) => {
    const nearest = nearestName(name, known);
    return nearest === undefined ? [] : [`--${nearest} instead of ${name}`];
  });
  const hint = meant.length === 0 ? '' : `\nDid you mean ${meant.join(', ')}?`;
  return `${message}${hint}\nOptions: ${known.map((name) => `--${name}`).join(', ')}`;
}

function optionsIn(help: string): readonly string[] {
  return [...new Set([...help.matchAll(/--([a-z][a-z0-9-]*)(?=[\s,])/gm)].map(([, name = '']) => name))];
}
