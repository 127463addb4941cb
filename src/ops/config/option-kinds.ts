import { isIP } from 'node:net';
import { z } from 'zod';

/** setTimeout fires at once for anything longer, so a longer time would mean the opposite of what it says. */
const maxTimerMs = 2 ** 31 - 1;

/** Texts that end up in the README's table (`description`) and in messages ("expected …, got …": `expects`). */
export function says(description: string, expects: string): { description: string; expects: string } {
  return { description, expects };
}

function oneOf(values: readonly string[]): string {
  const quoted = values.map((value) => `"${value}"`);
  return `${quoted.slice(0, -1).join(', ')} or ${quoted.at(-1) ?? ''}`;
}

export const host = (description: string) =>
  z
    .string()
    .refine((text) => isIP(text) !== 0 || /^[^\s/:]+$/.test(text))
    .meta(says(description, 'a host name or an IP address, without a port'));
/** A unix socket is named after its directory, as libpq does it. */
export const serverHost = (description: string) =>
  z
    .string()
    .refine((text) => text.startsWith('/') || isIP(text) !== 0 || /^[^\s/:]+$/.test(text))
    .meta(says(description, 'the directory of a unix socket, a host name or an IP address, without a port'));
export const boundPort = (description: string) =>
  z.int().min(0).max(65535).meta(says(description, 'a port from 1 to 65535, or 0 for any free one'));
export const remotePort = (description: string) =>
  z.int().min(1).max(65535).meta(says(description, 'a port from 1 to 65535'));
export const count = (min: number, max: number, description: string) =>
  z
    .int()
    .min(min)
    .max(max)
    .meta(says(description, `a whole number from ${min} to ${max}`));
export const milliseconds = (min: number, description: string) =>
  z
    .number()
    .min(min)
    .max(maxTimerMs)
    .meta(says(description, `milliseconds, from ${min} to ${maxTimerMs}`));
export const choice = <const Values extends readonly [string, ...string[]]>(
  values: Values,
  description: string,
) => z.enum(values).meta(says(description, oneOf(values)));
export const flag = (description: string) => z.boolean().meta(says(description, 'true or false'));
export const names = (description: string) =>
  z.array(z.string().min(1).meta({ expects: 'a name' })).meta(says(description, 'a list of names'));
export const text = (description: string, expects: string) =>
  z.string().min(1).meta(says(description, expects));
