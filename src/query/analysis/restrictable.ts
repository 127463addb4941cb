import type { ExplainStmt, Node, RangeVar, RawStmt, SelectStmt, WithClause } from '@pgsql/types';
import { saysScroll } from './cursor';

/** What a statement does with the rows of its query. */
export type StatementKind =
  'select' | 'select into' | 'create table as' | 'insert' | 'copy' | 'declare cursor' | 'explain';

/**
 * A statement with a query in it whose blocks may be restricted: what it does with the rows, it does with the same rows
 * then. `UPDATE`, `DELETE` and `MERGE` are none, nor is anything whose text the server keeps: a view, a rule, a function, a
 * prepared statement or a materialized view that contained our keys would go on being restricted to them for ever.
 */
export interface Restrictable {
  readonly kind: StatementKind;
  readonly query: SelectStmt;
  /** `WITH … INSERT INTO … SELECT`: what the query sees besides its own. */
  readonly outerWith: WithClause | undefined;
  /** All that is evaluated when it runs: the query, and what stands around it. */
  readonly evaluated: unknown;
  /** Whether it makes a table, or calls the triggers of one. */
  readonly writes: boolean;
  /** INSERT: into what. */
  readonly target: RangeVar | undefined;
  /**
   * Whether it may be run a second time, unseen, when the first time has failed (rule S12). PostgreSQL takes back what a
   * failed statement did, but not the values of sequences an INSERT has drawn, nor what its triggers did elsewhere.
   */
  readonly mayRunTwice: boolean;
  /** Whether its time is that of its query. An EXPLAIN mostly runs nothing, a cursor's rows are fetched later. */
  readonly isMeasured: boolean;
  /** A cursor's own words decide whether it can be fetched from backward, not its plan. */
  readonly saysScroll: boolean;
  /** Where the statement lies in the text, in bytes; `end` undefined: up to the end of the text. */
  readonly start: number;
  readonly end: number | undefined;
}

type Kind = Omit<Restrictable, 'start' | 'end'>;

/** Reads a statement; undefined if it is of a kind that is left alone. */
export function restrictableOf({ stmt, stmt_location = 0, stmt_len }: RawStmt): Restrictable | undefined {
  const kind = stmt === undefined ? undefined : kindOf(stmt);
  if (kind === undefined) return undefined;
  const end = stmt_len === undefined || stmt_len === 0 ? undefined : stmt_location + stmt_len;
  return { ...kind, start: stmt_location, end };
}

function kindOf(node: Node): Kind | undefined {
  if ('SelectStmt' in node) return selectKind(node.SelectStmt);
  if ('ExplainStmt' in node) return explainKind(node.ExplainStmt);
  if ('CreateTableAsStmt' in node) {
    const { query, into, objtype } = node.CreateTableAsStmt;
    // Without data nothing is run.
    if (objtype !== 'OBJECT_TABLE' || into?.skipData === true) return undefined;
    return around(query, { kind: 'create table as', writes: true });
  }
  if ('CopyStmt' in node) {
    const { query, is_from, is_program, filename } = node.CopyStmt;
    // A program would have read what a failed run has sent it.
    if (is_from === true || is_program === true || filename !== undefined) return undefined;
    return around(query, { kind: 'copy' });
  }
  if ('DeclareCursorStmt' in node) {
    const { query, options } = node.DeclareCursorStmt;
    return around(query, { kind: 'declare cursor', isMeasured: false, saysScroll: saysScroll(options) });
  }
  if ('InsertStmt' in node) {
    const { selectStmt, withClause, relation, ...others } = node.InsertStmt;
    return around(selectStmt, {
      kind: 'insert',
      outerWith: withClause,
      target: relation,
      evaluated: [selectStmt, withClause, others],
      writes: true,
      mayRunTwice: false,
    });
  }
  return undefined;
}

/** A SELECT that stands inside another statement, where it cannot have an INTO of its own. */
function around(query: Node | undefined, differences: Partial<Kind> & Pick<Kind, 'kind'>): Kind | undefined {
  if (query === undefined || !('SelectStmt' in query)) return undefined;
  return { ...selectKind(query.SelectStmt), ...differences };
}

function selectKind(query: SelectStmt): Kind {
  const hasInto = intoOf(query);
  return {
    kind: hasInto ? 'select into' : 'select',
    query,
    outerWith: undefined,
    evaluated: { SelectStmt: query },
    writes: hasInto,
    target: undefined,
    mayRunTwice: true,
    isMeasured: true,
    saysScroll: false,
  };
}

/** `SELECT … INTO t` and `SELECT … INTO t … UNION SELECT …`: the first branch has it. */
function intoOf(query: SelectStmt): boolean {
  return query.larg === undefined ? query.intoClause !== undefined : intoOf(query.larg);
}

function explainKind({ query, options }: ExplainStmt): Kind | undefined {
  const inner = query === undefined ? undefined : kindOf(query);
  if (inner === undefined) return undefined;
  const isRun = (options ?? []).some((option) => 'DefElem' in option && option.DefElem.defname === 'analyze');
  return {
    ...inner,
    kind: 'explain',
    isMeasured: false,
    writes: inner.writes && isRun,
    mayRunTwice: inner.mayRunTwice || !isRun,
  };
}
