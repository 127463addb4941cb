/** A cache helper was used after it had been closed. */
export class ClosedHelperError extends Error {
  override readonly name = 'ClosedHelperError';

  constructor(readonly partitionKey: string) {
    super(`the cache helper of ${JSON.stringify(partitionKey)} is closed`);
  }
}
