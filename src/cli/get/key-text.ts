import { assertNever } from '../../errors/assert-never';
import { timestampText } from '../../query/ast/quote';
import type { PartitionKeyType, PartitionValue } from '../../query/partition-key';

export const outputFormats = ['list', 'json', 'lines'] as const;
export type OutputFormat = (typeof outputFormats)[number];

/**
 * Keys as text: a comma-separated list, a JSON array, or one on each line. Numbers are exact in all of them, whatever their size. A text that
 * a list or a line could not hold as it is stands there in double quotes, as in JSON; so does a float that is no number, in JSON.
 */
export function formatKeys(
  keys: Iterable<PartitionValue>,
  datatype: PartitionKeyType,
  format: OutputFormat,
): string {
  const texts = Array.from(keys, (key) => keyText(key, datatype));
  switch (format) {
    case 'list':
      return `${texts.map((text) => (/[,"\r\n]/.test(text) ? JSON.stringify(text) : text)).join(',')}\n`;
    case 'json':
      return `[${texts.map((text) => jsonOf(text, datatype)).join(',')}]\n`;
    case 'lines':
      return texts.map((text) => `${/["\r\n]/.test(text) ? JSON.stringify(text) : text}\n`).join('');
    default:
      return assertNever(format, 'output format');
  }
}

function keyText(key: PartitionValue, datatype: PartitionKeyType): string {
  return datatype === 'timestamp' ? timestampText(BigInt(key), false) : key.toString();
}

function jsonOf(text: string, datatype: PartitionKeyType): string {
  const isNumber = datatype === 'integer' || (datatype === 'float' && Number.isFinite(Number(text)));
  return isNumber ? text : JSON.stringify(text);
}
