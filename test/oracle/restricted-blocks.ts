import type { SelectStmt } from '@pgsql/types';
import { parseStatements } from '../../src/query/ast/parser';
import { walk } from '../../src/query/ast/walk';

/** A block of a statement, and what became of it. */
export interface BlockFate {
  /** What kinds of conditions it has, as PostgreSQL's parser names them. */
  readonly conditionKinds: readonly string[];
  /** Tables in its FROM clause, by name. */
  readonly tables: readonly string[];
  /** The fewest keys that a restriction leaves one of its columns; undefined if there is none. */
  readonly keptKeys?: number;
  /** The column with the fewest keys. */
  readonly keyColumn?: string;
}

/**
 * The blocks of a text, in the order they stand in, beside those of the text that was sent instead: a block counts as
 * restricted if it really got a conjunct. Throws if the two texts do not have the same blocks.
 */
export function fatesOfBlocks(original: string, sent: string | undefined): readonly BlockFate[] {
  const before = blocksIn(original);
  const after = sent === undefined ? before : blocksIn(sent);
  if (before.length !== after.length) throw new Error(`not the blocks of ${original}: ${String(sent)}`);
  return before.map((block, i) => {
    const own = conjunctsOf(block.whereClause);
    const added = conjunctsOf(after[i]?.whereClause).slice(own.length);
    const kept = added.map(keptBy).sort((a, b) => a.keys - b.keys)[0];
    return {
      conditionKinds: [...new Set(own.map(kindOf))],
      tables: tablesIn(block),
      ...(kept === undefined ? {} : { keptKeys: kept.keys, keyColumn: kept.column }),
    };
  });
}

function blocksIn(text: string): readonly SelectStmt[] {
  const found: SelectStmt[] = [];
  walk(parseStatements(text), (kind, fields) => {
    if (kind === 'SelectStmt') found.push(...withoutSets(fields));
    return true;
  });
  return found.filter((select) => select.fromClause !== undefined);
}

/** Branches of set operations are fields, not nodes of their own. */
function withoutSets(select: SelectStmt): readonly SelectStmt[] {
  if (select.larg === undefined || select.rarg === undefined) return [select];
  return [...withoutSets(select.larg), ...withoutSets(select.rarg)];
}

type Fields = Readonly<Record<string, unknown>>;

function conjunctsOf(where: unknown): readonly Fields[] {
  if (where === undefined) return [];
  const { BoolExpr: and } = where as {
    readonly BoolExpr?: { readonly boolop: string; readonly args: unknown[] };
  };
  return and?.boolop === 'AND_EXPR' ? and.args.flatMap(conjunctsOf) : [where as Fields];
}

/** How many keys a restriction lets through, on which column. NULL is no key. */
function keptBy(restriction: Fields): { readonly keys: number; readonly column: string } {
  let keys = 0;
  let column = '';
  walk(restriction, (kind, fields) => {
    if (kind === 'ColumnRef') column = nameIn(fields);
    if (kind === 'A_Const') {
      const { sval } = fields as { readonly sval?: { readonly sval?: string } };
      if (sval !== undefined) keys = elementsOf(sval.sval ?? '');
    }
    return true;
  });
  return { keys, column };
}

function nameIn({ fields }: Fields): string {
  const last = (fields as readonly { readonly String?: { readonly sval: string } }[]).at(-1);
  return last?.String?.sval ?? '';
}

/** Number of elements of an array constant. */
function elementsOf(array: string): number {
  if (array === '{}') return 0;
  const withoutStrings = array.replace(/"(?:[^"\\]|\\.)*"/g, 'x');
  return withoutStrings.split(',').length;
}

function tablesIn({ fromClause }: SelectStmt): readonly string[] {
  const tables: string[] = [];
  walk(fromClause, (kind, fields) => {
    if (kind === 'RangeVar') tables.push(String(fields['relname']));
    return kind !== 'RangeSubselect';
  });
  return tables;
}

/** Such as `A_Expr IN`, `A_Expr OP =`, `SubLink EXISTS`, `BoolExpr OR`, `NullTest`. */
function kindOf(conjunct: Fields): string {
  const [kind = ''] = Object.keys(conjunct);
  const fields = conjunct[kind] as Fields;
  const detail = [fields['kind'], fields['boolop'], fields['subLinkType']]
    .filter((name) => typeof name === 'string')
    .join('')
    .replace(/^AEXPR_/, '')
    .replace(/_(?:EXPR|SUBLINK)$/, '');
  const names = detail === 'OP' ? (fields['name'] as readonly { String: { sval: string } }[]) : [];
  const operator = names.map(({ String: { sval } }) => sval).at(-1) ?? '';
  const withCall = /"(?:FuncCall|CoalesceExpr|CaseExpr|TypeCast|MinMaxExpr|NullIfExpr)"/.test(
    JSON.stringify(conjunct),
  );
  return (
    [kind, detail, operator].filter(Boolean).join(' ') +
    (withCall && kind === 'A_Expr' ? ' of a call or cast' : '')
  );
}
