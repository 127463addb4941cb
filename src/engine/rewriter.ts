import type { KeySet } from '../cache/key-set';
import type { AnalysedBlock } from '../query/analysis/analyse';
import type { Restrictable } from '../query/analysis/restrictable';
import type { KeyClass, KeyMember } from '../query/analysis/key-classes';
import type { SqlText } from '../query/ast/quote';
import type { Catalog } from '../query/catalog/catalog';
import { insert, type Insertion } from '../query/rewrite/insertion';
import { elementTypeOf, keyArray, restrictMember } from '../query/rewrite/restriction';
import { restrictionSite } from '../query/rewrite/restriction-site';
import { bareText } from '../query/rewrite/bare-query';
import { insertionsFor, type BlockRestriction } from '../query/rewrite/splice';
import { isExactlyRestricted, type ExpectedRestriction } from '../query/rewrite/verify';
import type { Spread } from './experience';
import type { CandidateStatement } from './candidate-statement';

/** A key class of a block and the keys it is to be restricted to. */
export interface ClassRestriction {
  readonly block: AnalysedBlock;
  readonly keyClass: KeyClass;
  readonly keys: KeySet;
}

export interface RewrittenText {
  readonly text: string;
  /** What was put into the client's text, in the order of the text. */
  readonly insertions: readonly Insertion[];
  /** The blocks that are restricted. */
  readonly blocks: ReadonlySet<AnalysedBlock>;
  /** The restricted queries of the text by themselves: what the server can be asked about. */
  readonly queries: readonly string[];
  /** Which columns were restricted in which form, not to which keys: what the server's opinion of the text depends on. */
  readonly form: string;
}

/** Array constants by key set: a set that is used again is not written out again. */
const arrays = new WeakMap<KeySet, Map<string, SqlText>>();

/**
 * Restricts one column of each class, or every one. Pure: the result depends on nothing but the arguments.
 *
 * @returns undefined if the text has no place for any restriction where one is expected, or does not parse to exactly the
 *   original plus the restrictions (rule S9): the original is sent instead
 */
export function rewrite(
  statement: CandidateStatement,
  classes: readonly ClassRestriction[],
  spread: Spread,
  catalog: Catalog,
): RewrittenText | undefined {
  const form: string[] = [];
  const byBlock = new Map<AnalysedBlock, string[]>();
  for (const { block, keyClass, keys } of classes) {
    for (const member of membersToRestrict(keyClass, block, spread)) {
      const array = arrayFor(member, keys, catalog);
      if (array === undefined) continue;
      const restrictions = byBlock.get(block) ?? [];
      restrictions.push(restrictMember(member, keyClass, keys.size === 0, array));
      byBlock.set(block, restrictions);
      const place = statement.tokens.findIndex(({ start }) => start === block.block.location);
      form.push(JSON.stringify([place, member.table.alias, member.column, keys.size === 0]));
    }
  }

  const spliced: BlockRestriction[] = [];
  const expected: ExpectedRestriction[] = [];
  for (const [block, restrictions] of [...byBlock]) {
    const { select, location } = block.block;
    const site = restrictionSite(statement.bareQuery(block.statement).tokens, location);
    // The others are none the worse for it.
    if (site === undefined) {
      byBlock.delete(block);
      continue;
    }
    spliced.push({ site, restrictions });
    expected.push({ select, restrictions });
  }
  if (spliced.length === 0) return undefined;
  const insertions = insertionsFor(spliced);
  const text = insert(statement.text, insertions);
  const restrictedForm = form.join();
  if (statement.form?.isVerified(restrictedForm) !== true) {
    if (!isExactlyRestricted(statement.trees, text, expected)) return undefined;
    statement.form?.noteVerified(restrictedForm);
  }
  const owners = new Set([...byBlock.keys()].map((block) => block.statement));
  const queries = [...owners].map((owner) => queryText(statement, owner, insertions));
  return { text, insertions, queries, blocks: new Set(byBlock.keys()), form: restrictedForm };
}

/** One statement's query of a text, with what is put into it. */
function queryText(
  statement: CandidateStatement,
  owner: Restrictable,
  insertions: readonly Insertion[],
): string {
  const bare = statement.bareQuery(owner);
  const [from, to] = [bare.ranges[0]?.[0] ?? 0, bare.ranges.at(-1)?.[1] ?? 0];
  const own = insertions.filter(({ at }) => at > from && at <= to);
  return insert(bareText(statement.text, bare), own);
}

/** The forms that differ for the classes: with one column each there is only one. */
export function spreadsOf(classes: readonly ClassRestriction[]): readonly Spread[] {
  return classes.some(({ keyClass }) => keyClass.members.length > 1) ? ['one', 'every'] : ['every'];
}

/**
 * If only one column is restricted, it is that of the table the planner should begin with: the smallest, and of several
 * occurrences of one table the one with most conditions.
 */
function membersToRestrict(
  { members }: KeyClass,
  block: AnalysedBlock,
  spread: Spread,
): readonly KeyMember[] {
  if (spread === 'every') return members;
  const conditions = ({ table }: KeyMember): number =>
    block.conjuncts.filter(({ tables }) => tables.includes(table.index)).length;
  const rows = ({ table }: KeyMember): number => table.relation.rowCount;
  return [...members].sort((a, b) => rows(a) - rows(b) || conditions(b) - conditions(a)).slice(0, 1);
}

function arrayFor(member: KeyMember, keys: KeySet, catalog: Catalog): SqlText | undefined {
  const elementType = elementTypeOf(catalog.baseTypeOid(member.typeOid));
  if (elementType === undefined) return undefined;
  const known = arrays.get(keys) ?? new Map<string, SqlText>();
  arrays.set(keys, known);
  const array = known.get(elementType) ?? keyArray(keys, elementType);
  known.set(elementType, array);
  return array;
}
