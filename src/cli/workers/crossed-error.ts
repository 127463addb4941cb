import { types } from 'node:util';
import { CacheUnavailableError } from '../../errors/cache-unavailable-error';
import { ConfigError } from '../../errors/config-error';
import { DatatypeMismatchError } from '../../errors/datatype-mismatch-error';
import { KeyOutOfRangeError } from '../../errors/key-out-of-range-error';
import { PgError } from '../../errors/pg-error';
import { QueueUnavailableError } from '../../errors/queue-unavailable-error';
import { StartError } from '../../errors/start-error';
import { UnknownPartitionKeyError } from '../../errors/unknown-partition-key-error';

/** The errors that callers tell apart; all others arrive as Error. */
const classes: Readonly<Record<string, { readonly prototype: Error }>> = {
  CacheUnavailableError,
  ConfigError,
  DatatypeMismatchError,
  KeyOutOfRangeError,
  PgError,
  QueueUnavailableError,
  StartError,
  TypeError,
  UnknownPartitionKeyError,
};

/** An error as it is sent from process to process. */
export interface CrossedError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly cause: CrossedError | undefined;
  /** What its class adds. */
  readonly fields: Readonly<Record<string, unknown>>;
}

export function crossError(error: unknown): CrossedError {
  if (!types.isNativeError(error))
    return { name: 'Error', message: String(error), stack: undefined, cause: undefined, fields: {} };
  const { name, message, stack, cause } = error;
  return {
    name,
    message,
    stack,
    cause: cause === undefined ? undefined : crossError(cause),
    fields: Object.fromEntries(Object.entries(error).map(([field, value]) => [field, withoutCause(value)])),
  };
}

/** Of the same class, with the stack it had where it was thrown. */
export function reviveError(crossed: CrossedError): Error {
  const { name, message, stack, cause, fields } = crossed;
  const error = cause === undefined ? new Error(message) : new Error(message, { cause: reviveError(cause) });
  const known = Object.hasOwn(classes, name) ? classes[name] : undefined;
  if (known !== undefined) {
    // Made like this it has the fields it had, whatever the constructor would make of them.
    Object.setPrototypeOf(error, known.prototype);
    Object.assign(error, fields);
  }
  if (stack !== undefined) error.stack = stack;
  return error;
}

/** Options of an error name its cause, which has been taken care of and may be anything. */
function withoutCause(value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'cause' in value
    ? { ...value, cause: undefined }
    : value;
}
