import type { DestinationStream } from 'pino';

const shown = new Set(['time', 'level', 'msg', 'pid', 'err']);

/** Turns pino's JSON lines into lines for people: time, level, message, then the other fields as name=value. */
export function prettyStream(destination: DestinationStream): DestinationStream {
  return { write: (line) => destination.write(formatLine(line)) };
}

/** A line of pino's in that form. */
export function formatLine(line: string): string {
  const entry = JSON.parse(line) as Readonly<Record<string, unknown>>;
  const fields = Object.entries(entry)
    .filter(([name]) => !shown.has(name))
    .map(([name, value]) => ` ${name}=${inLine(value)}`);
  const time = text(entry['time']).slice(11, 23);
  const level = text(entry['level']).toUpperCase().padEnd(5);
  return `${time} ${level} ${text(entry['msg'])}${fields.join('')}${formatError(entry['err'])}\n`;
}

function formatError(error: unknown): string {
  if (error === undefined) return '';
  if (typeof error !== 'object' || error === null) return `\n  ${JSON.stringify(error)}`;
  const { type, message, stack, cause, ...rest } = error as Readonly<Record<string, unknown>>;
  const facts = Object.entries(rest).map(([name, value]) => ` ${name}=${JSON.stringify(value)}`);
  const frames = /(?:\n {4}at .*)+$/.exec(`\n${text(stack)}`)?.[0] ?? '';
  const because = cause === undefined ? '' : formatError(cause);
  return `\n  ${text(type)}: ${text(message)}${facts.join('')}${frames}${because}`;
}

/** What a client has named itself begins no line, and moves no cursor. */
function inLine(value: unknown): string {
  if (typeof value !== 'string' || !/\p{Cc}/u.test(value)) return text(value);
  return JSON.stringify(value).replaceAll(
    /\p{Cc}/gu,
    (control) => `\\u00${control.charCodeAt(0).toString(16)}`,
  );
}

function text(value: unknown): string {
  if (value === undefined) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
