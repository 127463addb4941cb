import type { KeySet } from '../cache/key-set';
import type { AnalysedBlock } from '../query/analysis/analyse';
import { plainSelectsOf } from '../query/analysis/blocks';
import type { KeyClass } from '../query/analysis/key-classes';
import type { Catalog } from '../query/catalog/catalog';
import type { MethodChoice } from '../query/rewrite/method';
import { methodsFor } from './method-choice';
import type { Reading } from './reading';
import { mayUseTables } from './restrictor';
import { type RestrictedText, restrictStatement } from './restrict-statement';
import type { ClassRestriction } from './rewriter';
import type { ShapeChecker } from './shape-checker';

/** Where keys of a whole statement belong: in its outermost SELECT. */
export interface OutermostClass {
  readonly block: AnalysedBlock;
  readonly keyClass: KeyClass;
}

export interface Refused {
  readonly refused: string;
}

/**
 * The tables of a statement's outermost SELECT that its keys are those of. Keys that somebody gives say nothing of blocks inside: a sub-select
 * that counts all places would count fewer.
 *
 * @param alias of the table that is meant, where there are several classes
 */
export function outermostClass(
  { analysis, statement }: Reading,
  alias: string | undefined,
): OutermostClass | Refused {
  if ('refused' in analysis) return analysis;
  const [only] = statement.statements;
  if (!statement.isSingle || only === undefined) return { refused: 'not a single statement' };
  const outermost = plainSelectsOf(only).filter(({ isTopLevel }) => isTopLevel);
  if (outermost.length !== 1) return { refused: 'several outermost SELECTs' };
  const block = analysis.blocks.find((each) => each.block.select === outermost[0]?.select);
  if (block === undefined) return { refused: 'no partition key in the outermost SELECT' };
  const named = block.classes.filter(({ members }) => members.some(({ table }) => table.alias === alias));
  const [keyClass, ...others] = named.length > 0 ? named : block.classes;
  if (keyClass === undefined) return { refused: 'no partition key in the outermost SELECT' };
  if (others.length > 0) return { refused: 'tables that are not joined on the partition key' };
  return { block, keyClass };
}

export interface GivenKeys {
  readonly keys: KeySet;
  readonly method: MethodChoice;
  /** Of the table that is to be restricted, if there is one of that name. */
  readonly alias: string | undefined;
  /** As of Explanation: whoever runs the text answers an error by running the original. */
  readonly canRetry: boolean;
}

/** Restricts a statement's outermost SELECT to keys that whoever gives them answers for; the text is checked as any other. */
export async function restrictToKeys(
  reading: Reading,
  { keys, method, alias, canRetry }: GivenKeys,
  catalog: Catalog,
  shapes: ShapeChecker,
): Promise<RestrictedText | Refused> {
  const found = outermostClass(reading, alias);
  if ('refused' in found) return found;
  const objection = objectionTo(reading, canRetry);
  if (objection !== undefined) return { refused: objection };
  const canMakeTables = reading.context.canMakeTables === true && mayUseTables(reading);
  const restriction: ClassRestriction = {
    ...found,
    keys,
    methods: methodsFor(method, keys.size, canMakeTables),
    alias,
  };
  return restrictStatement(reading, [restriction], catalog, shapes);
}

/** Why a statement is restricted by nobody, whatever is known; undefined if it may be. */
export function objectionTo({ analysis }: Reading, canRetry: boolean): string | undefined {
  if ('refused' in analysis) return analysis.refused;
  return analysis.mayRaise && !canRetry ? 'may raise an error' : undefined;
}
