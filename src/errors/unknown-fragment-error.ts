/** A hash that stands for no fragment: none that this helper has made of a query, and none in the cache. */
export class UnknownFragmentError extends Error {
  override readonly name = 'UnknownFragmentError';

  constructor(
    readonly partitionKey: string,
    readonly hash: string,
  ) {
    super(
      `no fragment of ${JSON.stringify(partitionKey)} has the hash ${hash}; ` +
        'hashes are those of generateAllHashes, for the same helper, or of entries in the cache',
    );
  }
}
