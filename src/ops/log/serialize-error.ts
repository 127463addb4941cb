import { types } from 'node:util';

/** Fields of PostgreSQL's errors that repeat statements or rows, so that only `log.sql: true` lets them through. */
const confidential = ['detail', 'hint', 'where', 'query', 'internalQuery'];
const harmless = [
  'code',
  'sqlState',
  'severity',
  'schema',
  'table',
  'column',
  'constraint',
  'routine',
  'syscall',
];

/** Classes of SQLSTATE whose messages quote values: data exception, integrity constraint violation. */
const quotesValues = /^2[23]/;

const maxCauses = 5;

/** An error as plain data for the log: a list of known fields, because drivers hang everything on their errors. */
export function serializeError(error: unknown, mayShowSql: boolean, depth = 0): unknown {
  if (!types.isNativeError(error))
    return mayShowSql || typeof error !== 'string' ? error : { message: error };
  const fields = error as unknown as Readonly<Record<string, unknown>>;
  const isConfidential =
    !mayShowSql && typeof fields['code'] === 'string' && quotesValues.test(fields['code']);
  const serialized: Record<string, unknown> = {
    type: error.name,
    message: isConfidential ? '[redacted]' : error.message,
  };
  for (const field of mayShowSql ? [...harmless, ...confidential] : harmless) {
    if (fields[field] !== undefined) serialized[field] = fields[field];
  }
  serialized['stack'] = isConfidential ? framesOf(error) : error.stack;
  if (error.cause !== undefined && depth < maxCauses) {
    serialized['cause'] = serializeError(error.cause, mayShowSql, depth + 1);
  }
  return serialized;
}

/** The stack without the message it begins with. */
function framesOf(error: Error): string {
  return (error.stack ?? '')
    .split('\n')
    .filter((line) => /^ {4}at /.test(line))
    .join('\n');
}
