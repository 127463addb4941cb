/**
 * A key that the store has no room for: a bit set holds keys from 0 up to its size. The set is not stored, for a set without that
 * key would lose rows; the message says what holds it.
 */
export class KeyOutOfRangeError extends Error {
  override readonly name = 'KeyOutOfRangeError';

  constructor(
    readonly partitionKey: string,
    readonly key: bigint,
    message: string,
  ) {
    super(`partition key ${JSON.stringify(partitionKey)}: ${message}`);
  }
}
