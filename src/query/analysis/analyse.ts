import type { SelectStmt } from '@pgsql/types';
import type { PartitionKey } from '../partition-key';
import { BlockReader, type BlockReading } from './block-reader';
import type { BlockTable } from './block-tables';
import { blocksOf, type Block } from './blocks';
import { proposalsOf } from './added-constraints';
import { withoutClass } from './classless-block';
import type { Conjunct } from './conjuncts';
import { cteReferences } from './cte-references';
import { dependsOnPlan } from './cursor';
import type { ParameterValue } from './expression';
import type { KeyClass } from './key-classes';
import { KeyLinks } from './key-links';
import type { Restrictable } from './restrictable';
import { mayRaiseInStatement } from './statement-raising';
import { checkStatement, type NameContext, type RefusedStatement } from './statement-check';

/** What a statement is analysed against. */
export interface AnalysisContext extends NameContext {
  readonly partitionKeys: readonly PartitionKey[];
  /** Bound values; undefined for a number that is not bound or whose value cannot be read. */
  parameter(number: number): ParameterValue | undefined;
}

/** The parts of a statement that may be restricted. */
export interface AnalysedStatement {
  readonly blocks: readonly AnalysedBlock[];
  /** The other blocks, which cannot be restricted. */
  readonly leftAlone: readonly BlockLeftAlone[];
  /**
   * For a class that other blocks' keys bound, the classes of these: what is known to hold for one of them restricts it, too
   * (KeyLinks).
   */
  readonly bounds: ReadonlyMap<KeyClass, readonly ClassOfBlock[]>;
  /** Whether a restriction could make an error appear that the statement as written does not raise (rule S12). */
  readonly mayRaise: boolean;
}

export interface BlockLeftAlone {
  /** As in Block. */
  readonly location: number;
  readonly reason: string;
  /** Partition keys whose tables it reads all the same; absent if there are none. */
  readonly unkeyed?: readonly string[];
}

export interface ClassOfBlock {
  readonly block: AnalysedBlock;
  readonly keyClass: KeyClass;
}

/** A block with at least one table that has a partition key. */
export interface AnalysedBlock {
  readonly statement: Restrictable;
  readonly block: Block;
  readonly tables: readonly BlockTable[];
  readonly conjuncts: readonly Conjunct[];
  readonly classes: readonly KeyClass[];
  /** Why conditions of this block are in no fragment, for explanation. */
  readonly leftOut: readonly string[];
  /** By partition key, conditions on single tables that the block does NOT have: fragments are learned with them as well. */
  readonly proposals?: ReadonlyMap<string, readonly Conjunct[]>;
}

/**
 * Analyses the statements of a text that are sent together. In a text of several an error cannot be answered by running one
 * of them again, so only those take part that cannot raise one.
 */
export function analyseAll(
  statements: readonly Restrictable[],
  context: AnalysisContext,
): AnalysedStatement | RefusedStatement {
  const [first, ...others] = statements;
  if (first === undefined) return { refused: 'not a candidate' };
  if (others.length === 0) return analyse(first, context);
  const analyses = statements.map((statement) => analyse({ ...statement, mayRunTwice: false }, context));
  const blocks = analyses.flatMap((analysis) => ('refused' in analysis ? [] : analysis.blocks));
  const refused = analyses.find((analysis) => 'refused' in analysis);
  const bounds = new Map(analyses.flatMap((analysis) => ('refused' in analysis ? [] : [...analysis.bounds])));
  if (blocks.length === 0 && refused !== undefined) return refused;
  const leftAlone = analyses.flatMap((analysis, i) => {
    if (!('refused' in analysis)) return analysis.leftAlone;
    const statement = statements[i];
    const left = statement === undefined ? [] : blocksOf(statement);
    return left.map(({ location }) => ({ location, reason: analysis.refused }));
  });
  return { blocks, leftAlone, mayRaise: false, bounds };
}

/** Analyses a statement. Every block is looked at on its own: what surrounds it does not matter (design.md, section 4). */
export function analyse(
  statement: Restrictable,
  context: AnalysisContext,
): AnalysedStatement | RefusedStatement {
  const ctes = cteReferences(statement);
  const refused = checkStatement(statement, context, ctes) ?? refuseTarget(statement, context);
  if (refused !== undefined) return refused;
  const reader = new BlockReader(context, ctes);
  const links = new KeyLinks(reader);
  const blocks: AnalysedBlock[] = [];
  const readings = new Map<SelectStmt, BlockReading>();
  const leftAlone: BlockLeftAlone[] = [];
  for (const block of blocksOf(statement)) {
    const { select, location } = block;
    const reading = reader.read(select);
    if ('refused' in reading) {
      leftAlone.push({ location, reason: reading.refused });
      continue;
    }
    const { from, conjuncts, classes, leftOut } = reading;
    readings.set(select, reading);
    links.add(select);
    if (classes.length === 0) {
      leftAlone.push({ location, ...withoutClass(from.tables, context.partitionKeys) });
      continue;
    }
    const proposals = proposalsOf(classes, context);
    const analysed = { statement, block, tables: from.tables, conjuncts, classes, leftOut };
    blocks.push(proposals === undefined ? analysed : { ...analysed, proposals });
  }
  if (blocks.length === 0) return refusalOfAll(leftAlone);
  if (dependsOnPlan(statement, readings.get(statement.query)?.from.tables ?? []))
    return { refused: 'simple cursor' };
  const mayRaise =
    blocks.some((block) => isKeyComputed(block, context)) ||
    mayRaiseInStatement(statement, (block) => readings.get(block));
  if (mayRaise && !statement.mayRunTwice) return { refused: 'may raise an error' };
  return { blocks, leftAlone, mayRaise, bounds: boundsOf(blocks, links) };
}

/**
 * An INSERT into a table of a key changes what the key sets say (rule S6). The rows it reads are those from before it began,
 * whatever its name means to the session, so this is caution.
 */
function refuseTarget(
  { target }: Restrictable,
  { catalog, searchPath, partitionKeys }: AnalysisContext,
): RefusedStatement | undefined {
  if (target === undefined) return undefined;
  const relation = catalog.relation({ schema: target.schemaname, name: target.relname ?? '' }, searchPath);
  const name = relation === undefined ? '' : `${relation.schema}.${relation.name}`;
  return partitionKeys.some(({ tables }) => tables.has(name))
    ? { refused: 'writes a tracked table' }
    : undefined;
}

/**
 * A restriction reads the key of rows that nobody else might look at:
 *
 *   region_id int GENERATED ALWAYS AS (40 / x) VIRTUAL      -- of rows with x = 0, which another condition leaves out
 */
function isKeyComputed({ classes }: AnalysedBlock, { catalog }: AnalysisContext): boolean {
  return classes.some(({ members }) => members.some(({ column }) => catalog.isComputedWhenRead(column)));
}

/** The reason that says most: that a block has no table with a key is true of any block. */
function refusalOfAll(leftAlone: readonly BlockLeftAlone[]): RefusedStatement {
  const reasons = leftAlone.map(({ reason }) => reason);
  const refused = reasons.find((reason) => reason !== 'no partition key') ?? 'no partition key';
  const unkeyed = leftAlone.flatMap((block) => block.unkeyed ?? []);
  return unkeyed.length === 0 ? { refused } : { refused, unkeyed };
}

function boundsOf(
  blocks: readonly AnalysedBlock[],
  links: KeyLinks,
): ReadonlyMap<KeyClass, readonly ClassOfBlock[]> {
  const owners = new Map(
    blocks.flatMap((block) => block.classes.map((keyClass) => [keyClass, { block, keyClass }])),
  );
  const bounds = new Map<KeyClass, readonly ClassOfBlock[]>();
  for (const { block, keyClass } of owners.values()) {
    const found = links.boundsOf(block.block.select, keyClass).flatMap((bound) => owners.get(bound) ?? []);
    if (found.length > 0) bounds.set(keyClass, found);
  }
  return bounds;
}
