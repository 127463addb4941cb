/** An entry is written for a partition key that is not registered, or that was dropped while the entry was computed. */
export class UnknownPartitionKeyError extends Error {
  override readonly name = 'UnknownPartitionKeyError';

  constructor(
    readonly backend: string,
    readonly partitionKey: string,
  ) {
    super(`${backend}: partition key ${JSON.stringify(partitionKey)} is not registered`);
  }
}
