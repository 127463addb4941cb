import type { KeySet } from '../cache/key-set';
import type { AnalysedBlock } from '../query/analysis/analyse';
import { plainSelectsOf } from '../query/analysis/blocks';
import type { KeyClass } from '../query/analysis/key-classes';
import type { Catalog } from '../query/catalog/catalog';
import type { KeyTable } from '../query/rewrite/key-table';
import type { MethodChoice } from '../query/rewrite/method';
import { checking } from './decision';
import { methodsFor } from './method-choice';
import type { Reading } from './reading';
import { mayUseTables } from './restrictor';
import { formsOf, rewrite, type ClassRestriction } from './rewriter';
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
): Promise<{ readonly text: string; readonly tables: readonly KeyTable[] } | Refused> {
  const found = outermostClass(reading, alias);
  if ('refused' in found) return found;
  if (!canRetry && 'mayRaise' in reading.analysis && reading.analysis.mayRaise)
    return { refused: 'may raise an error' };
  const canMakeTables = reading.context.canMakeTables === true && mayUseTables(reading);
  const restriction: ClassRestriction = {
    ...found,
    keys,
    methods: methodsFor(method, keys.size, canMakeTables),
    alias,
  };
  const [form] = formsOf([restriction]);
  const rewritten = rewrite(reading.statement, [restriction], form, catalog);
  if (rewritten === undefined) return { refused: 'splice check' };
  for (const { text, parameterOids, context } of checking(reading, rewritten, catalog)) {
    const shape = await shapes.check(text, parameterOids, context, catalog);
    if (!shape.isValid) return { refused: 'shape check' };
  }
  return { text: rewritten.text, tables: rewritten.tables };
}
