/** A decimal number, exactly: `digits` / 10^`scale`. */
export interface Decimal {
  readonly digits: bigint;
  readonly scale: number;
}

/** Longer ones are not read: `1e100000` would have as many digits. */
const maxDigits = 100;

/** A number as SQL and JavaScript write it, `-12.50` or `2.5e-3`; undefined for anything else, infinities and NaN among it. */
export function parseDecimal(text: string): Decimal | undefined {
  const match = /^\s*([+-]?)(\d*)(?:\.(\d*))?(?:e([+-]?\d{1,4}))?\s*$/i.exec(text);
  if (match === null) return undefined;
  const [, sign = '', whole = '', fraction = '', exponentText = '0'] = match;
  const exponent = Number(exponentText);
  const length = whole.length + fraction.length;
  if (length === 0 || length + Math.abs(exponent) > maxDigits) return undefined;
  const digits = BigInt(`${whole}${fraction}`) * (sign === '-' ? -1n : 1n);
  const scale = fraction.length - exponent;
  return scale < 0 ? { digits: digits * 10n ** BigInt(-scale), scale: 0 } : { digits, scale };
}

/** The multiple of a positive step that is nearest to a number on one side of it, or the number itself if it is one. */
export function toMultiple(value: Decimal, step: Decimal, direction: 'up' | 'down'): Decimal {
  const scale = Math.max(value.scale, step.scale);
  const [digits, unit] = [atScale(value, scale), atScale(step, scale)];
  const remainder = ((digits % unit) + unit) % unit;
  if (remainder === 0n) return { digits, scale };
  return { digits: direction === 'up' ? digits - remainder + unit : digits - remainder, scale };
}

/** Without exponent, and without zeros that say nothing. */
export function formatDecimal({ digits, scale }: Decimal): string {
  const sign = digits < 0n ? '-' : '';
  const text = (digits < 0n ? -digits : digits).toString().padStart(scale + 1, '0');
  const fraction = scale === 0 ? '' : text.slice(-scale).replace(/0+$/, '');
  const whole = scale === 0 ? text : text.slice(0, -scale);
  return `${sign}${whole}${fraction === '' ? '' : `.${fraction}`}`;
}

/** Its digits at a scale that is not smaller. */
function atScale({ digits, scale }: Decimal, larger: number): bigint {
  return digits * 10n ** BigInt(larger - scale);
}
