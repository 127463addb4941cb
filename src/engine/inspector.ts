import type { Node, SelectStmt } from '@pgsql/types';
import { qualifiedName } from '../query/ast/names';
import { fingerprint } from '../query/ast/fingerprint';
import { parseStatements } from '../query/ast/parser';
import { scanTokens, type Token } from '../query/ast/scan';
import { walk } from '../query/ast/walk';
import { cteNames, selectOf } from '../query/analysis/statement-check';
import type { Catalog } from '../query/catalog/catalog';
import type { PartitionKey } from '../query/partition-key';
import { withoutComments } from '../query/rewrite/restriction-site';
import { BoundedMap } from './bounded-map';
import type { InspectedStatement } from './engine';
import { StatementForm, withoutLiterals } from './statement-form';

/**
 * A candidate, with what was read from its text. Lives as long as the cache holds it or an execution is under way. Of a
 * form that is known, it is not parsed until somebody looks into it.
 */
export class CandidateStatement implements InspectedStatement {
  readonly isCandidate = true;
  #select: SelectStmt | undefined;
  #tokens: readonly Token[] | undefined;
  #fingerprint: string | undefined;

  /**
   * @param form undefined if it is not known which statements differ from it in literals only
   * @param parsed called when it was parsed later than it was made
   */
  constructor(
    readonly text: string,
    readonly leavesContextAlone: boolean,
    readonly form: StatementForm | undefined,
    private readonly parsed: (statement: CandidateStatement) => void,
    select?: SelectStmt,
  ) {
    this.#select = select;
  }

  get select(): SelectStmt {
    if (this.#select === undefined) {
      this.#select = selectIn(tryParse(this.text) ?? []) ?? nothingToRestrict;
      this.parsed(this);
    }
    return this.#select;
  }

  /** Without comments. */
  get tokens(): readonly Token[] {
    this.#tokens ??= withoutComments(scanTokens(this.text));
    return this.#tokens;
  }

  /** What statements that differ in constants only have in common: what measurements are kept by. */
  get fingerprint(): string {
    this.#fingerprint ??= this.form?.fingerprint ?? fingerprint(this.text);
    if (this.form !== undefined) this.form.fingerprint = this.#fingerprint;
    return this.#fingerprint;
  }
}

/** A literal can be out of place where another one was not: the server will refuse the text, and so do we. */
const nothingToRestrict: SelectStmt = {};

/** Bytes of text that are remembered, and of texts without their literals. */
const maxCachedTextBytes = 16 * 1024 * 1024;
const maxCachedFormBytes = 8 * 1024 * 1024;

/** Tells candidates from other texts. A text that names no tracked table is not parsed, and not remembered. */
export class Inspector {
  readonly #namesTrackedTable: RegExp;
  readonly #cache = new BoundedMap<string, InspectedStatement>(
    maxCachedTextBytes,
    (_, text) => 2 * text.length + 2_000,
  );
  readonly #forms = new BoundedMap<string, StatementForm>(
    maxCachedFormBytes,
    (_, key) => 2 * key.length + 500,
  );
  #catalog: Catalog | undefined;

  constructor(partitionKeys: readonly PartitionKey[]) {
    const names = partitionKeys.flatMap(({ tables }) =>
      [...tables.keys()].map((table) => table.slice(table.indexOf('.') + 1)),
    );
    this.#namesTrackedTable = new RegExp(names.map(escapeForRegExp).join('|') || '(?!)', 'i');
  }

  /** What was remembered under an older catalog is looked at again. */
  useCatalog(catalog: Catalog | undefined): void {
    this.#catalog = catalog;
    this.#cache.clear();
    this.#forms.clear();
  }

  inspect(text: string): InspectedStatement {
    if (!this.#namesTrackedTable.test(text)) return ignored(text);
    const known = this.#cache.get(text);
    if (known !== undefined) return known;
    const key = withoutLiterals(text);
    const form = key === undefined ? undefined : this.#forms.get(key);
    if (form === undefined) return this.#parse(text, key);
    if (!form.isCandidate) return ignored(text);
    const statement = new CandidateStatement(text, form.leavesContextAlone, form, this.#remember);
    // Without literals in it, it is bound to come again.
    if (key === text) this.#remember(statement);
    return statement;
  }

  readonly #remember = (statement: CandidateStatement): void => {
    this.#cache.set(statement.text, statement);
  };

  #parse(text: string, key: string | undefined): InspectedStatement {
    const statements = mayLookInto(text) ? tryParse(text) : undefined;
    const select = statements === undefined ? undefined : selectIn(statements);
    const leavesContextAlone = select !== undefined && this.#leavesContextAlone(select);
    let form: StatementForm | undefined;
    // What is wrong with a text that cannot be parsed may be one of its literals.
    if (key !== undefined && statements !== undefined) {
      form = new StatementForm(select !== undefined, leavesContextAlone);
      this.#forms.set(key, form);
    }
    if (select === undefined) {
      const statement = ignored(text);
      this.#cache.set(text, statement);
      return statement;
    }
    const statement = new CandidateStatement(text, leavesContextAlone, form, this.#remember, select);
    // With literals in it, it may well be the only one of its kind.
    if (form === undefined || key === text) this.#remember(statement);
    return statement;
  }

  /** No call of anything that could be a `set_config` in disguise. */
  #leavesContextAlone(select: SelectStmt): boolean {
    const catalog = this.#catalog;
    if (catalog === undefined || select.intoClause !== undefined) return false;
    const ctes = cteNames(select);
    let isQuiet = true;
    walk(select, (kind, fields) => {
      if (kind === 'FuncCall') {
        const name = qualifiedName(fields['funcname'] as Parameters<typeof qualifiedName>[0]);
        isQuiet &&= name !== undefined && catalog.isNeverVolatile(name.name);
      } else if (kind === 'RangeVar') {
        const name = String(fields['relname']);
        isQuiet &&= catalog.isAlwaysTable(name) || (ctes.has(name) && !catalog.hasRelation(name));
      } else if (kind === 'ColumnRef' || kind === 'A_Indirection') {
        isQuiet &&= !catalog.mayBeVolatileOfRow(namesIn(fields['fields'] ?? fields['indirection']));
      } else if (kind === 'TypeCast' || operatorNodes.has(kind)) {
        isQuiet &&= !catalog.hasVolatileOperatorOrCast;
      } else if (kind.endsWith('Stmt') && kind !== 'SelectStmt') {
        isQuiet = false;
      }
      return isQuiet;
    });
    return isQuiet;
  }
}

/** Nodes that stand for the call of an operator, which may be anyone's. */
const operatorNodes: ReadonlySet<string> = new Set(['A_Expr', 'SubLink', 'SortBy', 'CaseExpr', 'JoinExpr']);

function namesIn(parts: unknown): readonly string[] {
  return (Array.isArray(parts) ? (parts as readonly Node[]) : []).flatMap((part) =>
    'String' in part ? [part.String.sval ?? ''] : [],
  );
}

/** A client's own word, in a comment: this statement is left alone. */
const switchedOff = /\/\*\s*pcache\s*:\s*off\s*\*\//i;

function ignored(text: string): InspectedStatement {
  return { text, isCandidate: false, leavesContextAlone: false };
}

/** A replacement character stands for bytes that are not UTF-8; the text we have is not the text the client sent. */
function mayLookInto(text: string): boolean {
  return !text.includes('\uFFFD') && !text.includes('\0') && !switchedOff.test(text);
}

/** A text that our parser does not take is the server's to judge: it may be newer than the parser. */
function tryParse(text: string): ReturnType<typeof parseStatements> | undefined {
  try {
    return parseStatements(text);
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
}

function selectIn(statements: ReturnType<typeof parseStatements>): SelectStmt | undefined {
  const select = selectOf(statements);
  return 'refused' in select ? undefined : select;
}

function escapeForRegExp(name: string): string {
  return name.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
