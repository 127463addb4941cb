import type { Argv } from 'yargs';

/** The option of every command that tells a person something: the same for a program. */
export interface JsonFlag {
  readonly json: boolean;
}

/** Declares `--json`: one JSON object a line on standard output, whatever the command; a person's words stay on standard error. */
export function withJsonFlag<T>(argv: Argv<T>, eachObject = ''): Argv<T & JsonFlag> {
  return argv.option('json', {
    type: 'boolean',
    default: false,
    describe: `For programs: one JSON object a line${eachObject === '' ? '' : `, ${eachObject}`}`,
  });
}

/**
 * Tells one thing on standard output.
 *
 * @param object what a program gets; its names are written as those of the store's columns are
 * @param text what a person gets, without the end of the line
 */
export function tell({ json }: JsonFlag, object: object, text: string): void {
  process.stdout.write(json ? `${JSON.stringify(object, snakeNames)}\n` : `${text}\n`);
}

/** The same for what a person is told in other lines. */
export function tellPrograms({ json }: JsonFlag, object: object): void {
  if (json) process.stdout.write(`${JSON.stringify(object, snakeNames)}\n`);
}

/** The same for what only a person needs to be told, such as what to do next. */
export function tellPeople({ json }: JsonFlag, text: string): void {
  if (!json) process.stdout.write(`${text}\n`);
}

/** For JSON.stringify: `partitionKey` becomes `partition_key`. Of lists and other values nothing changes. */
function snakeNames(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [
      name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      each as unknown,
    ]),
  );
}

/** A text that others have written, in one line: it cannot end the line, and no control character in it reaches a terminal. */
export function oneLine(text: string): string {
  return text.replaceAll(/[\s\p{Cc}]+/gu, ' ');
}
