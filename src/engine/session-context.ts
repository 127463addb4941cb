import type { MethodChoice } from '../query/rewrite/method';

/**
 * Everything outside a statement's text that changes its meaning (rule S7), as the session's own server told it.
 * Two sessions with equal `id` give every fragment the same meaning.
 */
export interface SessionContext {
  /** Hash of the database, searchPath and settings: what a fragment's meaning depends on. */
  readonly id: string;
  /** The schemas that are searched, in order, as `current_schemas(true)` gives them. */
  readonly searchPath: readonly string[];
  /** Relations and types in the session's temporary schema; they come before all others. */
  readonly temporaryRelations: ReadonlySet<string>;
  readonly userName: string;
  readonly clientEncoding: string;
  /** Settings that may change what a statement means, by name; those known to be harmless are left out. */
  readonly settings: Readonly<Record<string, string>>;
  /** What the session asked for with `SET pcache.mode`. */
  readonly mode: 'on' | 'observe' | 'off' | undefined;
  /** What the session asked for with `SET pcache.method`. */
  readonly method?: MethodChoice | undefined;
  /** Alias of the table that is to be restricted, where a class has one of that name; a program asks for it, no session can. */
  readonly restrictedAlias?: string | undefined;
  /** Whether it may make temporary tables outside of transaction blocks, and can. Absent: no. */
  readonly canMakeTables?: boolean;
  /** Whether it ends with its first error (`exit_on_error`): nothing is run in it then that may fail unseen. Absent: no. */
  readonly endsOnError?: boolean;
  /** Whether a temporary table of it is a child of one that is not: a name means more rows to it than to others. Absent: no. */
  readonly addsRows?: boolean;
  /** The process that serves it. */
  readonly serverProcessId?: number | undefined;
}
