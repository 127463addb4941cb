import { UsageError } from './usage-error';

/** The number an option was given; undefined if it was not. Throws UsageError. */
export function numberOf<Name extends string>(
  flags: Readonly<Partial<Record<Name, string | undefined>>>,
  name: Name,
  min: number,
  max: number,
): number | undefined {
  const text = flags[name];
  if (text === undefined) return undefined;
  const value = Number(text);
  if (typeof text === 'string' && text.trim() !== '' && value >= min && value <= max) return value;
  throw new UsageError(`--${name} ${text}: expected a number from ${min} to ${max}`);
}

/** The same for whole numbers. */
export function integerOf<Name extends string>(
  flags: Readonly<Partial<Record<Name, string | undefined>>>,
  name: Name,
  min: number,
  max: number,
): number | undefined {
  const value = numberOf(flags, name, min, max);
  if (value === undefined || Number.isInteger(value)) return value;
  throw new UsageError(`--${name} ${value}: expected a whole number from ${min} to ${max}`);
}
