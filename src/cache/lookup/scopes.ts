import type { Fragment } from '../../query/fragment/fragment';
import { digestText, type Digest } from './digest';

/** What many entries have in common: partition key and context. */
export interface Scope {
  readonly number: number;
  readonly partitionKey: string;
  readonly contextId: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly digest: Digest;
}

/** The scopes there are; few, and kept for good. */
export class Scopes {
  readonly #byContext = new Map<string, Map<string, Scope>>();
  readonly #byNumber: Scope[] = [];

  find(contextId: string, partitionKey: string): Scope | undefined {
    return this.#byContext.get(contextId)?.get(partitionKey);
  }

  at(number: number): Scope | undefined {
    return this.#byNumber[number];
  }

  of({ contextId, partitionKey, settings }: Fragment): Scope {
    const known = this.find(contextId, partitionKey);
    if (known !== undefined) return known;
    const digest = digestText(digestText(0, contextId), partitionKey);
    const scope = { number: this.#byNumber.length, partitionKey, contextId, settings, digest };
    const inContext = this.#byContext.get(contextId) ?? new Map<string, Scope>();
    this.#byContext.set(contextId, inContext.set(partitionKey, scope));
    this.#byNumber.push(scope);
    return scope;
  }
}
