import type { Dialect } from '../../../query/dialect/dialect';
import type { RenderedFragment } from '../../../query/dialect/render-fragment';
import type { FragmentOutcome } from '../../fragment-source';

/** What a copy's driver gives for a key. */
export type CopiedKey = string | number | bigint | null;

export interface CopyLimits {
  readonly timeoutMs: number;
  /** Rows are read up to one more than that, NULL not counted. */
  readonly maxKeys: number;
  readonly signal: AbortSignal;
}

/** Keys as they were read; or how the run ended else, as of FragmentOutcome. */
export type CopyReading =
  | { readonly status: 'read'; readonly keys: readonly CopiedKey[] }
  | Exclude<FragmentOutcome, { readonly status: 'ok' | 'stored' }>;

/** Another database that holds the same rows. Only an error of this program itself rejects. */
export interface CopyDatabase {
  readonly dialect: Dialect;
  /**
   * Reads a fragment's keys, if each column that it relies on holds what its kind says. Whatever is running there has ended when the promise
   * resolves.
   */
  read(fragment: RenderedFragment, limits: CopyLimits): Promise<CopyReading>;
}
