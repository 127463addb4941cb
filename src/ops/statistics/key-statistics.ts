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
  #others: () => readonly DatabaseKeyHeat[] = () => [];

  /** Until the answer is disposed of. */
  watch(database: string, source: KeyStatisticsSource): AsyncDisposable {
    this.#sources.set(database, source);
    return {
      [Symbol.asyncDispose]: async () => {
        if (this.#sources.get(database) === source) this.#sources.delete(database);
      },
    };
  }

  /** What other processes know. Clients are spread over them evenly: of each partition key, what the one knows is told that has looked at most sets. */
  watchOthers(read: () => readonly DatabaseKeyHeat[]): void {
    this.#others = read;
  }

  partitionKeys(): readonly DatabaseKeyHeat[] {
    const own = [...this.#sources].flatMap(([database, source]) =>
      source.partitionKeys().map((heat) => ({ database, ...heat })),
    );
    const best = new Map<string, DatabaseKeyHeat>();
    for (const heat of [...own, ...this.#others()]) {
      const place = JSON.stringify([heat.database, heat.partitionKey]);
      if (heat.sets > (best.get(place)?.sets ?? -1)) best.set(place, heat);
    }
    return [...best.values()];
  }
}
