import type { CommonTableExpr, RangeSubselect, RangeVar, SelectStmt } from '@pgsql/types';
import type { CatalogRelation } from '../catalog/catalog';
import type { AnalysisContext } from './analyse';
import { readFromClause, type FromClause, type RefusedBlock } from './block-tables';
import { equalityOf, readConditions, type BlockConditions } from './conjuncts';
import type { CteReferences } from './cte-references';
import { derivedTable, selectIn, type DerivedTable } from './derived-table';
import type { ExpressionScope } from './expression';
import { expressionScope } from './expression-scope';
import type { KeyClass } from './key-classes';
import { withDerivedKeyConditions } from './key-conditions';
import { outputsOfBlock, outputsOfSetOperation, unknownOutputs, type QueryOutputs } from './query-outputs';
import { resolveRelation } from './statement-check';

/** What a block says. */
export interface BlockReading extends BlockConditions {
  readonly from: FromClause;
  readonly scope: ExpressionScope;
  readonly classes: readonly KeyClass[];
}

/** Reads the blocks of one statement, each once: those inside first, where one around them uses their columns. */
export class BlockReader {
  readonly #readings = new Map<SelectStmt, BlockReading | RefusedBlock>();
  readonly #outputs = new Map<SelectStmt, QueryOutputs>();
  readonly #uses = new Map<CommonTableExpr, number>();

  constructor(
    private readonly context: AnalysisContext,
    private readonly ctes: CteReferences,
  ) {
    for (const cte of ctes.values()) this.#uses.set(cte, (this.#uses.get(cte) ?? 0) + 1);
  }

  read(select: SelectStmt): BlockReading | RefusedBlock {
    const known = this.#readings.get(select);
    if (known !== undefined) return known;
    const reading = this.#readAnew(select);
    this.#readings.set(select, reading);
    return reading;
  }

  #readAnew(select: SelectStmt): BlockReading | RefusedBlock {
    const { context } = this;
    const from = readFromClause(select.fromClause, {
      relation: (name) => this.#relation(name),
      derived: (item) => this.#derived(item),
    });
    if ('refused' in from) return from;
    const scope = expressionScope(from, context, (name) =>
      this.ctes.has(name) ? undefined : this.#table(name),
    );
    const conditions =
      select.whereClause === undefined ? from.conditions : [...from.conditions, select.whereClause];
    const { conjuncts: written, equalities, leftOut } = readConditions(conditions, scope);
    for (const using of from.usings) equalities.equateUsing(using, from.tables, equalityOf(scope));
    const classes = equalities.classes(from.tables, context.partitionKeys, context.catalog);
    const conjuncts = withDerivedKeyConditions(written, classes, context.catalog);
    return { from, scope, conjuncts, equalities, leftOut, classes };
  }

  #relation(name: RangeVar): CatalogRelation | DerivedTable | undefined | RefusedBlock {
    const cte = this.ctes.get(name);
    if (cte === undefined) return this.#table(name);
    const query = selectIn(cte.ctequery);
    if (query === undefined) return undefined;
    return derivedTable(this.#outputsOf(query), name.alias, cte, this.#uses.get(cte) === 1);
  }

  #table(name: RangeVar): CatalogRelation | RefusedBlock {
    const relation = resolveRelation(name, this.context);
    // Its rows come from elsewhere; the blocks that have nothing to do with it are as good as ever.
    return 'kind' in relation && relation.kind === 'f' ? { refused: 'foreign table' } : relation;
  }

  #derived({ subquery, alias }: RangeSubselect): DerivedTable | undefined {
    const query = selectIn(subquery);
    return query === undefined ? undefined : derivedTable(this.#outputsOf(query), alias, undefined, true);
  }

  #outputsOf(query: SelectStmt): QueryOutputs {
    const known = this.#outputs.get(query);
    if (known !== undefined) return known;
    const outputs = this.#readOutputs(query);
    this.#outputs.set(query, outputs);
    return outputs;
  }

  #readOutputs(query: SelectStmt): QueryOutputs {
    if (query.larg !== undefined && query.rarg !== undefined)
      return outputsOfSetOperation(query, this.#outputsOf(query.larg), this.#outputsOf(query.rarg));
    const reading = this.read(query);
    return 'refused' in reading ? unknownOutputs : outputsOfBlock(query, reading);
  }
}
