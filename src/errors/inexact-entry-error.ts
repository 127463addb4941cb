/** Keys of a fragment were given for a partition key that is to be exact: only a run in the database knows what they have seen. */
export class InexactEntryError extends Error {
  override readonly name = 'InexactEntryError';

  constructor(readonly partitionKey: string) {
    super(
      `the partition key ${JSON.stringify(partitionKey)} is exact, and keys that are given cannot be kept so; ` +
        'use populate, or promise by consistency: static that the data does not change',
    );
  }
}
