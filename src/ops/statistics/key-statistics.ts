/** Which keys of a partition key the key sets that were used last hold. In the shape of the engine's KeyHeat. */
export interface PartitionKeyHeat {
  readonly partitionKey: string;
  readonly datatype: string;
  /** Key sets that were looked at, and keys in them. */
  readonly sets: number;
  readonly keys: number;
  /** Keys in the order of their values, cut into parts: how many of the sets' keys are in each, and what it begins and ends with. */
  readonly parts: readonly { readonly count: number; readonly first: string; readonly last: string }[];
}

export interface KeyStatisticsSource {
  partitionKeys(): readonly PartitionKeyHeat[];
}

/** A partition key, and the database it is of. */
export interface DatabaseKeyHeat extends PartitionKeyHeat {
  readonly database: string;
}

/** Which keys statements are restricted to, read when somebody looks. */
export class KeyStatistics {
  readonly #sources = new Map<string, KeyStatisticsSource>();

  /** Until the answer is disposed of. */
  watch(database: string, source: KeyStatisticsSource): AsyncDisposable {
    this.#sources.set(database, source);
    return {
      [Symbol.asyncDispose]: async () => {
        if (this.#sources.get(database) === source) this.#sources.delete(database);
      },
    };
  }

  partitionKeys(): readonly DatabaseKeyHeat[] {
    return [...this.#sources].flatMap(([database, source]) =>
      source.partitionKeys().map((heat) => ({ database, ...heat })),
    );
  }
}
