import type { FragmentHash } from '../../../query/fragment/fragment';

/**
 * The keys of a backend in Redis. All of a partition key have one hash tag, so that in a cluster they are in one slot: its sets can be
 * intersected there, and an entry is written whole by one script.
 */
export class RedisNames {
  /** @param prefix what all keys begin with; without braces, which would make another hash tag */
  constructor(
    private readonly prefix: string,
    private readonly backend: string,
  ) {}

  /** Set of the partition keys there are. */
  get registry(): string {
    return `${this.prefix}${this.backend}:partition-keys`;
  }

  /** Channel of changes. */
  get changes(): string {
    return `${this.prefix}${this.backend}:changes`;
  }

  /** Datatype of a partition key. */
  registration(partitionKey: string): string {
    return `${this.tag(partitionKey)}:datatype`;
  }

  /** The entries' hashes, by the time of last use. */
  index(partitionKey: string): string {
    return `${this.tag(partitionKey)}:entries`;
  }

  /** What each entry has been good for. */
  benefits(partitionKey: string): string {
    return `${this.tag(partitionKey)}:benefits`;
  }

  /** Index and benefits, as the scripts want them. */
  lists(partitionKey: string): readonly [string, string] {
    return [this.index(partitionKey), this.benefits(partitionKey)];
  }

  /** Followed by a hash: its description. */
  descriptions(partitionKey: string): string {
    return `${this.tag(partitionKey)}:d:`;
  }

  /** Followed by a hash: its keys. */
  keySets(partitionKey: string): string {
    return `${this.tag(partitionKey)}:k:`;
  }

  /** A result that one script writes and removes. */
  scratch(partitionKey: string): string {
    return `${this.tag(partitionKey)}:scratch`;
  }

  /** Description and keys, as the scripts want them. */
  entry(partitionKey: string, hash: FragmentHash): readonly [string, string] {
    return [`${this.descriptions(partitionKey)}${hash}`, `${this.keySets(partitionKey)}${hash}`];
  }

  private tag(partitionKey: string): string {
    return `{${this.prefix}${this.backend}:${encodeURIComponent(partitionKey)}}`;
  }
}
