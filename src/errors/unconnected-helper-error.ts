/** A query can only be understood by the database it is for, and the cache helper was made without a connection to one. */
export class UnconnectedHelperError extends Error {
  override readonly name = 'UnconnectedHelperError';

  constructor(readonly partitionKey: string) {
    super(
      `the cache helper of ${JSON.stringify(partitionKey)} has no database to understand queries by; ` +
        'give createCacheHelper a connection',
    );
  }
}
