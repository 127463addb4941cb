/**
 * A partition key is used with a datatype it does not have here: known with another one, or not supported by the store.
 * Operational: a configuration and a cache do not fit together; no client sees it.
 */
export class DatatypeMismatchError extends Error {
  override readonly name = 'DatatypeMismatchError';

  constructor(
    readonly partitionKey: string,
    message: string,
  ) {
    super(`partition key ${JSON.stringify(partitionKey)}: ${message}`);
  }
}
