/** Types of columns, by PostgreSQL's names. */
export type ConsoleType = 'bool' | 'int8' | 'float8' | 'text' | 'timestamptz';

export interface ConsoleColumn {
  readonly name: string;
  readonly type: ConsoleType;
}

/** undefined and null are NULL; so is a Date that is none. */
export type ConsoleValue = string | number | boolean | Date | null | undefined;
export type ConsoleRow = readonly ConsoleValue[];

export interface ConsoleResult {
  /** In the order of the columns; none where there are no columns. */
  readonly rows: readonly ConsoleRow[];
  /** What CommandComplete says. */
  readonly tag: string;
}

/** A command that was understood; nothing has happened yet. */
export interface ConsoleCommand {
  /** undefined: it returns no rows. */
  readonly columns?: readonly ConsoleColumn[];
  /** Changes something that no ROLLBACK would take back, so that it is refused in a transaction block. */
  readonly isForGood?: boolean;
  /** Begins or ends a transaction block, in which nothing is kept. */
  readonly transaction?: 'begin' | 'end';
  /** Rejects with PgError; with the signal's reason if it was interrupted. */
  run(signal: AbortSignal): Promise<ConsoleResult>;
}

/** Columns as `name type, name type`. */
export function columns(text: string): readonly ConsoleColumn[] {
  return text.split(', ').map((column) => {
    const [name = '', type = 'text'] = column.split(' ');
    return { name, type: type as ConsoleType };
  });
}
