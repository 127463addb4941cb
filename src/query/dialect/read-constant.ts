import type { ColumnKind } from './column-kind';
import type { ConstantValue } from './dialect';

/** What a constant's text is of a kind; undefined for a notation that others may read in another way, or not at all. */
export function readConstant(text: string, kind: ColumnKind): ConstantValue | undefined {
  switch (kind) {
    case 'integer':
      return integer(text);
    case 'float':
      return float(text);
    case 'text':
      return { kind, value: text };
    case 'boolean':
      return /^(t|true|f|false)$/.test(text) ? { kind, value: text.startsWith('t') } : undefined;
    case 'date':
      return isDate(text) ? { kind, value: text } : undefined;
    case 'timestamp':
      return timestamp(text);
  }
}

function integer(text: string): ConstantValue | undefined {
  if (!/^-?\d{1,19}$/.test(text)) return undefined;
  const value = BigInt(text);
  return BigInt.asIntN(64, value) === value ? { kind: 'integer', value } : undefined;
}

function float(text: string): ConstantValue | undefined {
  if (!/^-?\d+(\.\d+)?$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? { kind: 'float', value: value === 0 ? 0 : value } : undefined;
}

/** Year, month, day: read alike under every DateStyle. Others have no years before 1000, or write them in other ways. */
function isDate(text: string): boolean {
  const [, year = '', month = '', day = ''] = /^([1-9]\d{3})-(\d\d)-(\d\d)$/.exec(text) ?? [];
  const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
  return year !== '' && date.getUTCMonth() === Number(month) - 1 && date.getUTCDate() === Number(day);
}

function timestamp(text: string): ConstantValue | undefined {
  const [, date = '', time = '00:00:00', fraction = ''] =
    /^(\d{4}-\d\d-\d\d)(?: ([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:\.\d{1,6})?)?$/.exec(text) === null
      ? []
      : (/^(\S+)(?: ([\d:]{8})(?:\.(\d+))?)?$/.exec(text) ?? []);
  if (!isDate(date)) return undefined;
  const digits = fraction.replace(/0+$/, '');
  return { kind: 'timestamp', value: `${date} ${time}${digits === '' ? '' : `.${digits}`}` };
}
