import type { SelectStmt } from '@pgsql/types';
import { qualifiedName } from '../query/ast/names';
import { fingerprint } from '../query/ast/fingerprint';
import { parseStatements, scanTokens, type Token } from '../query/ast/parser';
import { walk } from '../query/ast/walk';
import { cteNames, selectOf } from '../query/analysis/statement-check';
import type { Catalog } from '../query/catalog/catalog';
import type { PartitionKey } from '../query/partition-key';
import { withoutComments } from '../query/rewrite/restriction-site';
import { BoundedMap } from './bounded-map';
import type { InspectedStatement } from './engine';

/** A candidate, with what was read from its text. Lives as long as the cache holds it or an execution is under way. */
export class CandidateStatement implements InspectedStatement {
  readonly isCandidate = true;
  #tokens: readonly Token[] | undefined;
  #fingerprint: string | undefined;

  constructor(
    readonly text: string,
    readonly select: SelectStmt,
    readonly leavesContextAlone: boolean,
  ) {}

  /** Without comments. */
  get tokens(): readonly Token[] {
    this.#tokens ??= withoutComments(scanTokens(this.text));
    return this.#tokens;
  }

  /** What statements that differ in constants only have in common: what measurements are kept by. */
  get fingerprint(): string {
    this.#fingerprint ??= fingerprint(this.tokens);
    return this.#fingerprint;
  }
}

/** Statements whose texts are remembered, and bytes of text in all. */
const maxCachedTextBytes = 16 * 1024 * 1024;

/** Tells candidates from other texts. A text that names no tracked table is not parsed, and not remembered. */
export class Inspector {
  readonly #namesTrackedTable: RegExp;
  readonly #cache = new BoundedMap<string, InspectedStatement>(
    maxCachedTextBytes,
    (_, text) => 2 * text.length + 2_000,
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
  }

  inspect(text: string): InspectedStatement {
    if (!this.#namesTrackedTable.test(text)) return ignored(text);
    const known = this.#cache.get(text);
    if (known !== undefined) return known;
    const inspected = this.#parse(text);
    this.#cache.set(text, inspected);
    return inspected;
  }

  #parse(text: string): InspectedStatement {
    // A replacement character stands for bytes that are not UTF-8; the text we have is not the text the client sent.
    if (text.includes('\uFFFD') || text.includes('\0') || switchedOff.test(text)) return ignored(text);
    const statements = tryParse(text);
    const select = statements === undefined ? undefined : selectOf(statements);
    if (select === undefined || 'refused' in select) return ignored(text);
    return new CandidateStatement(text, select, this.#leavesContextAlone(select));
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
        isQuiet &&= ctes.has(name) || catalog.isAlwaysTable(name);
      } else if (kind.endsWith('Stmt') && kind !== 'SelectStmt') {
        isQuiet = false;
      }
      return isQuiet;
    });
    return isQuiet;
  }
}

/** A client's own word, in a comment: this statement is left alone. */
const switchedOff = /\/\*\s*pcache\s*:\s*off\s*\*\//i;

function ignored(text: string): InspectedStatement {
  return { text, isCandidate: false, leavesContextAlone: false };
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

function escapeForRegExp(name: string): string {
  return name.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
