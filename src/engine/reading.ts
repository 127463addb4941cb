import type { EntryDescription } from '../cache/cache-backend';
import { maxMatches, type Directory } from '../cache/directory';
import {
  analyseAll,
  type AnalysedBlock,
  type AnalysedStatement,
  type AnalysisContext,
} from '../query/analysis/analyse';
import type { KeyClass } from '../query/analysis/key-classes';
import type { RefusedStatement } from '../query/analysis/statement-check';
import type { Catalog } from '../query/catalog/catalog';
import { eachFragment, enumerateFragments, hasFragmentOfOtherSize } from '../query/fragment/enumerate';
import type { Fragment } from '../query/fragment/fragment';
import type { PartitionKey } from '../query/partition-key';
import type { BoundParameters } from './engine';
import type { CandidateStatement } from './candidate-statement';
import { fitTypes, parameterReader } from './parameter-values';
import type { SessionContext } from './session-context';

/** A class for which something is known. */
export interface ClassMatch {
  readonly block: AnalysedBlock;
  readonly keyClass: KeyClass;
  /** Entries that hold for the block, fewest keys first. */
  readonly entries: readonly EntryDescription[];
}

/** A statement with its parameter values, as one session means it. */
export interface Reading {
  readonly statement: CandidateStatement;
  readonly context: SessionContext;
  readonly analysis: AnalysedStatement | RefusedStatement;
  readonly parameters: BoundParameters | undefined;
  /** The statement's parameter types, to be declared again for the rewritten form. */
  readonly parameterOids: readonly number[];
}

/** Analyses a candidate. Pure. */
export function readStatement(
  statement: CandidateStatement,
  context: SessionContext,
  catalog: Catalog,
  partitionKeys: readonly PartitionKey[],
  parameters: BoundParameters | undefined,
  parameterOids: readonly number[],
): Reading {
  const analysisContext: AnalysisContext = {
    catalog,
    partitionKeys,
    searchPath: context.searchPath,
    temporaryRelations: context.temporaryRelations,
    parameter:
      parameters === undefined
        ? () => undefined
        : parameterReader(parameters, parameterOids, context.clientEncoding),
  };
  const refused =
    refuseContext(statement.text, context) ??
    refuseSeveral(statement, parameters) ??
    refuseTypes(parameters, parameterOids);
  return {
    statement,
    context,
    analysis: refused ?? analyseAll(statement.statements, analysisContext),
    parameters,
    parameterOids,
  };
}

/** Rule S7: where a spliced byte could change its meaning. */
function refuseContext(text: string, context: SessionContext): RefusedStatement | undefined {
  if (context.settings['standard_conforming_strings'] !== 'on')
    return { refused: 'standard_conforming_strings is off' };
  if (context.addsRows === true) return { refused: 'temporary child' };
  if (context.clientEncoding !== 'UTF8' && !isAscii(text)) return { refused: 'client encoding' };
  return undefined;
}

/** A prepared statement is a single one; the server will say so. */
function refuseSeveral(
  { isSingle }: CandidateStatement,
  parameters: BoundParameters | undefined,
): RefusedStatement | undefined {
  return isSingle || parameters === undefined ? undefined : { refused: 'not a single statement' };
}

/** The rewritten form would be declared with types that the client's values are not of. */
function refuseTypes(
  parameters: BoundParameters | undefined,
  typeOids: readonly number[],
): RefusedStatement | undefined {
  return parameters === undefined || fitTypes(parameters, typeOids)
    ? undefined
    : { refused: 'other parameter types' };
}

/** What is known that holds for the statement. */
export function matchReading({ analysis, context }: Reading, directory: Directory): readonly ClassMatch[] {
  if ('refused' in analysis) return [];
  return analysis.blocks.flatMap((block) =>
    block.classes.flatMap((keyClass) => {
      if (context.clientEncoding !== 'UTF8' && !isRestrictedInAscii(keyClass)) return [];
      const bounds = [{ block, keyClass }, ...(analysis.bounds.get(keyClass) ?? [])];
      const entries = new Set(
        bounds.flatMap((bound) => directory.match(bound.block, bound.keyClass, context.id)),
      );
      if (entries.size === 0) return [];
      return [{ block, keyClass, entries: [...entries].sort((a, b) => a.keyCount - b.keyCount) }];
    }),
  );
}

/** Whether something could be known that holds for the statement with other constants in it, or other parameters. */
export function mayMatchOtherConstants({ analysis, context }: Reading, directory: Directory): boolean {
  if ('refused' in analysis) return false;
  return analysis.blocks.some((block) =>
    block.classes.some((keyClass) => directory.mayMatchOtherConstants(block, keyClass, context.id)),
  );
}

/** The fragments that would make the statement faster if they were known, most selective first. */
export function fragmentsOf({ analysis, context }: Reading): readonly Fragment[] {
  if ('refused' in analysis) return [];
  const fragments = analysis.blocks.flatMap((block) =>
    block.classes.flatMap((keyClass) => enumerateFragments(block, keyClass, context)),
  );
  return [
    ...new Map(fragments.map((fragment) => [`${fragment.partitionKey} ${fragment.hash}`, fragment])).values(),
  ];
}

/** Whether nothing outside ASCII can be spliced in for a class: the server would read our UTF-8 as another encoding. */
function isRestrictedInAscii({ partitionKey, members }: KeyClass): boolean {
  return (
    partitionKey.datatype !== 'text' &&
    members.every(({ table, column }) => isAscii(table.alias) && isAscii(column))
  );
}

/**
 * Whether something that would make the statement faster is not known yet. Cheaper than `fragmentsOf`: it stops at the first, and
 * what is known of a block is among what matches it, so that where nothing of a fragment's size does, it need not be written out.
 */
export function lacksFragments(
  { analysis, context }: Reading,
  directory: Directory,
  matches: readonly ClassMatch[],
): boolean {
  if ('refused' in analysis) return false;
  for (const block of analysis.blocks) {
    for (const keyClass of block.classes) {
      const known = matches.find((match) => match.keyClass === keyClass)?.entries ?? [];
      const sizes = new Set(known.map(({ fragment }) => fragment.tables.length));
      const areAll = known.length < maxMatches;
      if (areAll && hasFragmentOfOtherSize(block, keyClass, sizes)) return true;
      for (const { partitionKey, hash } of eachFragment(block, keyClass, context)) {
        if (directory.get(partitionKey, hash)?.status !== 'ok') return true;
      }
    }
  }
  return false;
}

function isAscii(text: string): boolean {
  return Buffer.byteLength(text) === text.length;
}
