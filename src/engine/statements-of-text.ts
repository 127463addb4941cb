import type { Node, RawStmt, TransactionStmtKind } from '@pgsql/types';
import { qualifiedName } from '../query/ast/names';
import { parseStatements } from '../query/ast/parser';
import { restrictableOf, type Restrictable } from '../query/analysis/restrictable';
import { cteReferences } from '../query/analysis/cte-references';
import { nodesOf } from '../query/analysis/statement-nodes';
import type { Catalog } from '../query/catalog/catalog';

/** What a text says, before it is looked into in a session's context. */
export interface StatementsOfText {
  readonly trees: readonly RawStmt[];
  /**
   * The statements that may be restricted: each on its own, up to the first that may change the context in which those behind it
   * are run (rule S7).
   */
  readonly restrictable: readonly Restrictable[];
  /** As in InspectedStatement. */
  readonly leavesContextAlone: boolean;
}

/** A literal can be out of place where another one was not: the server will refuse the text, and so do we. */
export const nothingToRestrict: StatementsOfText = { trees: [], restrictable: [], leavesContextAlone: false };

/** Reads a text; undefined for one that our parser does not take: it may be newer than the parser, the server will judge. */
export function statementsOf(text: string, catalog: Catalog | undefined): StatementsOfText | undefined {
  const trees = tryParse(text);
  if (trees === undefined) return undefined;
  const restrictable: Restrictable[] = [];
  let isContextKnown = true;
  let leavesContextAlone = true;
  for (const tree of trees) {
    const statement = restrictableOf(tree);
    if (statement !== undefined && isContextKnown) restrictable.push(statement);
    const isQuiet = statement !== undefined && leavesAlone(statement, catalog);
    const transaction = transactionKind(tree.stmt);
    isContextKnown &&= isQuiet || harmless.has(transaction);
    leavesContextAlone &&= isQuiet || harmless.has(transaction) || reported.has(transaction);
  }
  return { trees, restrictable, leavesContextAlone };
}

function tryParse(text: string): readonly RawStmt[] | undefined {
  try {
    return parseStatements(text);
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
}

/** Change nothing a statement's meaning depends on. */
const harmless: ReadonlySet<TransactionStmtKind | undefined> = new Set([
  'TRANS_STMT_BEGIN',
  'TRANS_STMT_START',
  'TRANS_STMT_SAVEPOINT',
  'TRANS_STMT_RELEASE',
]);
/** May undo settings; whoever follows the session learns so from their command tags. */
const reported: ReadonlySet<TransactionStmtKind | undefined> = new Set([
  'TRANS_STMT_COMMIT',
  'TRANS_STMT_ROLLBACK',
  'TRANS_STMT_ROLLBACK_TO',
]);

function transactionKind(node: Node | undefined): TransactionStmtKind | undefined {
  return node !== undefined && 'TransactionStmt' in node ? node.TransactionStmt.kind : undefined;
}

/** No call of anything that could be a `set_config` in disguise. */
function leavesAlone(statement: Restrictable, catalog: Catalog | undefined): boolean {
  if (catalog === undefined || statement.writes) return false;
  const ctes = cteReferences(statement);
  return nodesOf(statement).all.every(({ kind, fields }) => {
    switch (kind) {
      case 'FuncCall': {
        const name = qualifiedName(fields['funcname'] as Parameters<typeof qualifiedName>[0]);
        return name !== undefined && catalog.isNeverVolatile(name.name);
      }
      case 'RangeVar':
        return catalog.isAlwaysTable(String(fields['relname'])) || ctes.has(fields);
      case 'ColumnRef':
      case 'A_Indirection':
        return (
          !catalog.hasVolatileOfRow ||
          !catalog.mayBeVolatileOfRow(namesIn(fields['fields'] ?? fields['indirection']))
        );
      case 'SelectStmt':
        return true;
      default:
        return operatorNodes.has(kind) ? !catalog.hasVolatileOperatorOrCast : !kind.endsWith('Stmt');
    }
  });
}

/** Nodes that stand for the call of an operator or a cast, which may be anyone's. */
const operatorNodes: ReadonlySet<string> = new Set([
  'A_Expr',
  'SubLink',
  'SortBy',
  'CaseExpr',
  'JoinExpr',
  'TypeCast',
]);

function namesIn(parts: unknown): readonly string[] {
  return (Array.isArray(parts) ? (parts as readonly Node[]) : []).flatMap((part) =>
    'String' in part ? [part.String.sval ?? ''] : [],
  );
}
