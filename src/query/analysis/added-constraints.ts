import { messageOf } from '../../errors/message-of';
import { parseStatements } from '../ast/parser';
import { quoteIdentifier } from '../ast/quote';
import type { Catalog } from '../catalog/catalog';
import type { PartitionKey } from '../partition-key';
import type { AnalysisContext } from './analyse';
import { BlockReader } from './block-reader';
import type { Conjunct } from './conjuncts';
import { cteReferences } from './cte-references';
import type { KeyClass } from './key-classes';
import { restrictableOf } from './restrictable';
import { checkStatement } from './statement-check';

/** A condition of the configuration, read. */
interface AddedConstraint {
  /** Over the one table, numbered 0. */
  readonly conjuncts: readonly Conjunct[];
  /** Why some or all of it goes into no fragment. */
  readonly problems: readonly string[];
}

/**
 * The conditions of `add_constraints` on the tables of a block's classes, by partition key. The block does not have them: they
 * say what fragments are worth learning besides its own, never what restricts it.
 */
export function proposalsOf(
  classes: readonly KeyClass[],
  context: AnalysisContext,
): ReadonlyMap<string, readonly Conjunct[]> | undefined {
  const proposals = new Map<string, Conjunct[]>();
  for (const { partitionKey, members } of classes) {
    const { name, fragments } = partitionKey;
    for (const { table } of fragments?.addConstraints.size === 0 ? [] : members) {
      const relation = `${table.relation.schema}.${table.relation.name}`;
      const condition = fragments?.addConstraints.get(relation);
      if (condition === undefined) continue;
      const added = readConstraint(table.relation, condition, context)
        .conjuncts.filter(({ notLearnedFor }) => notLearnedFor?.has(name) !== true)
        .map((conjunct) => ({ ...conjunct, tables: [table.index] }));
      proposals.set(name, [...(proposals.get(name) ?? []), ...added]);
    }
  }
  return proposals.size === 0 ? undefined : proposals;
}

/** What is wrong with the conditions of a key, as sentences. */
export function constraintProblems(partitionKey: PartitionKey, catalog: Catalog): readonly string[] {
  const context: AnalysisContext = {
    catalog,
    partitionKeys: [partitionKey],
    searchPath: ['pg_catalog', 'public'],
    temporaryRelations: new Set(),
    parameter: () => undefined,
  };
  return [...(partitionKey.fragments?.addConstraints ?? [])].flatMap(([table, condition]) => {
    const dot = table.indexOf('.');
    const name = { schema: table.slice(0, dot), name: table.slice(dot + 1) };
    // That there is no such table is said of the table.
    if (catalog.relation(name, []) === undefined) return [];
    return readConstraint(name, condition, context).problems.map(
      (problem) => `of the condition that add_constraints has for ${table} something is left out: ${problem}`,
    );
  });
}

/** The same few conditions, read again for no reason: by catalog, table, condition and search path. */
const known = new WeakMap<Catalog, Map<string, AddedConstraint>>();
const maxKnown = 1_000;

function readConstraint(
  table: { readonly schema: string; readonly name: string },
  condition: string,
  context: AnalysisContext,
): AddedConstraint {
  const { catalog, searchPath, partitionKeys } = context;
  const ofCatalog = known.get(catalog) ?? new Map<string, AddedConstraint>();
  known.set(catalog, ofCatalog);
  const keys = partitionKeys.map((key) => key.name);
  const name = JSON.stringify([table.schema, table.name, condition, searchPath, keys]);
  const before = ofCatalog.get(name);
  if (before !== undefined) return before;
  const read = readAnew(table, condition, context);
  if (ofCatalog.size >= maxKnown) ofCatalog.clear();
  ofCatalog.set(name, read);
  return read;
}

function readAnew(
  { schema, name }: { readonly schema: string; readonly name: string },
  condition: string,
  statementContext: AnalysisContext,
): AddedConstraint {
  const refused = (problem: string): AddedConstraint => ({ conjuncts: [], problems: [problem] });
  const context = { ...statementContext, parameter: () => undefined };
  const from = `select from ${quoteIdentifier(schema)}.${quoteIdentifier(name)} where `;
  try {
    const [tree, ...others] = parseStatements(`${from}${condition}`);
    const statement = tree === undefined || others.length > 0 ? undefined : restrictableOf(tree);
    if (statement === undefined || !isWhereOnly(statement.query)) return refused('it is no condition');
    const ctes = cteReferences(statement);
    const problem = checkStatement(statement, context, ctes);
    if (problem !== undefined) return refused(problem.refused);
    const reading = new BlockReader(context, ctes).read(statement.query);
    if ('refused' in reading) return refused(reading.refused);
    return { conjuncts: reading.conjuncts, problems: reading.leftOut };
  } catch (error) {
    return refused(messageOf(error));
  }
}

/** `1 = 1 group by …` or `1 = 1 union …` is more than a condition. */
function isWhereOnly(query: object): boolean {
  const more = Object.entries(query).filter(
    ([field, value]) =>
      !['fromClause', 'whereClause', 'limitOption', 'op'].includes(field) &&
      value !== false &&
      !(Array.isArray(value) && value.length === 0),
  );
  const limit = 'limitOption' in query ? query.limitOption : undefined;
  return more.length === 0 && (limit === undefined || limit === 'LIMIT_OPTION_DEFAULT');
}
