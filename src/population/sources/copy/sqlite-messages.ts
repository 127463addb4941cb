import type { CopiedKey } from './copy-database';

/** What sqlite-process.ts is asked. */
export interface SqliteRequest {
  readonly path: string;
  /** For each column that has not been looked at yet a SELECT that finds a row with a wrong value. */
  readonly checks: readonly { readonly column: string; readonly finds: string }[];
  readonly sql: string;
}

/** What it answers. */
export type SqliteAnswer =
  | { readonly kind: 'keys'; readonly keys: readonly CopiedKey[] }
  | { readonly kind: 'unfaithful'; readonly reason: string }
  /** `isAway`: not the fragment's doing. */
  | {
      readonly kind: 'error';
      readonly message: string;
      readonly isAway: boolean;
      readonly hasStarted: boolean;
    };
