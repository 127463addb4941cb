import type { Directory } from '../cache/directory';
import type { Catalog } from '../query/catalog/catalog';
import type { BoundParameters, ForwardPlan, RewritePlan } from './engine';
import type { CandidateStatement } from './candidate-statement';
import type { Form } from './form';
import { parametersKey } from './parameter-values';
import { lacksFragments, matchReading, type ClassMatch, type Reading } from './reading';
import type { ClassKeys, ClassRestriction, RewrittenText } from './rewriter';
import type { SessionContext } from './session-context';
import type { ShapeQuestion } from './shape-book';
import type { UsedEntry } from './usage-notes';

const bytesPerDecision = 8_000;
const bytesPerCharacter = 64;

/** What is known of one execution's statement, values and context, until the directory or the catalog changes. */
export class Decision {
  readonly matches: readonly ClassMatch[];
  /** What the matches come to, once their key sets are at hand. */
  classes: readonly ClassKeys[] | undefined;
  /** The ways to do it, by what can be done. */
  readonly ways: Partial<Record<WaysKind, Ways>> = {};
  #coverage: 'full' | 'partial' | undefined;

  /** @param version of the directory */
  constructor(
    readonly version: number,
    readonly reading: Reading,
    private readonly directory: Directory,
  ) {
    this.matches = matchReading(reading, directory);
  }

  /** Estimate of the memory it takes: it holds the statement's syntax tree, which takes many times that of the text. */
  get bytes(): number {
    return bytesPerDecision + bytesPerCharacter * this.reading.statement.text.length;
  }

  /** partial: not all fragments of the statement are known. Found out when it is asked for, which is when a restriction is made. */
  get coverage(): 'full' | 'partial' {
    if (this.matches.length === 0) return 'partial';
    this.#coverage ??= lacksFragments(this.reading, this.directory, this.matches) ? 'partial' : 'full';
    return this.#coverage;
  }
}

/** plain: neither temporary tables can be made nor a guard be used. */
export type WaysKind = 'plain' | 'with tables' | 'guarded';

/** The forms a decision's statement can be restricted in, and what became of each so far. */
export interface Ways {
  readonly classes: readonly ClassRestriction[];
  readonly forms: readonly [Form, ...Form[]];
  /** Those of them that are tried first, and alone as long as others may cost more than they bring. */
  readonly bestGuesses: readonly Form[];
  readonly plans: Map<Form, RewritePlan | ForwardPlan>;
  /** The forms that are worth a try, once the server has been asked about each of those they were taken from. */
  candidates: { readonly from: readonly Form[]; readonly forms: readonly [Form, ...Form[]] } | undefined;
  /** Whether the method is one that was asked for: which is best is not the question then. */
  readonly isForced: boolean;
  /** Whether a temporary table was asked for, and cannot be made. */
  readonly lacksTables: boolean;
  /** The version of what is known to have changed that guarded forms were made with. */
  readonly guardsVersion: number;
}

/** Entries intersected for one class; more of them hardly narrow the set any further. */
const maxEntriesPerClass = 8;

/** Equal for executions that are decided alike while nothing changes. */
export function decisionKey(
  statement: CandidateStatement,
  context: SessionContext,
  parameters: BoundParameters | undefined,
): string {
  const values = parameters === undefined ? '' : parametersKey(parameters);
  return [statement.text, contextKey(context), values].join('\0');
}

const contextKeys = new WeakMap<SessionContext, string>();

/** Equal for contexts in which all executions are decided alike. */
export function contextKey(context: SessionContext): string {
  const known = contextKeys.get(context);
  if (known !== undefined) return known;
  // The id of a context leaves out what no fragment depends on. A decision does depend on it: what is a table to one
  // session is hidden by a temporary one in another.
  const { id, clientEncoding, temporaryRelations, addsRows, method, restrictedAlias, canMakeTables } =
    context;
  const relations = [...temporaryRelations].sort();
  const key = JSON.stringify([
    id,
    clientEncoding,
    relations,
    addsRows,
    method,
    restrictedAlias,
    canMakeTables,
  ]);
  contextKeys.set(context, key);
  return key;
}

/**
 * Whether no row of the block has a key (rule S10): the most selective entry says so, and no set has to be read. Where changes are logged,
 * only the statement itself can tell.
 */
export function isKnownEmpty({ entries, keyClass }: ClassMatch): boolean {
  return entries[0]?.keyCount === 0 && keyClass.partitionKey.changeLog === undefined;
}

/** The entries a decision rests on, to be noted as used. */
export function usedEntries(matches: readonly ClassMatch[]): readonly UsedEntry[] {
  const empty = matches
    .filter(isKnownEmpty)
    .flatMap(({ keyClass, entries }) =>
      entries.slice(0, 1).map(({ fragment }) => ({ key: keyClass.partitionKey.name, hash: fragment.hash })),
    );
  return [...neededSets(matches), ...empty];
}

/** The key sets a decision is made of. */
export function neededSets(matches: readonly ClassMatch[]): readonly UsedEntry[] {
  return matches.flatMap((match) =>
    (isKnownEmpty(match) ? [] : match.entries)
      .slice(0, maxEntriesPerClass)
      .map(({ fragment }) => ({ key: match.keyClass.partitionKey.name, hash: fragment.hash })),
  );
}

/** Asks for the types of a client's own statement's parameters. */
export function describing(
  statement: CandidateStatement,
  context: SessionContext,
  catalog: Catalog,
  { declaredOids }: BoundParameters,
): ShapeQuestion {
  const text = statement.preparableText;
  return {
    key: ['described', text, context.id, declaredOids.join()].join('\0'),
    text,
    parameterOids: declaredOids,
    context,
    catalog,
  };
}

/** Asks whether the server takes the queries of a rewritten text. Which keys they are restricted to does not matter for that. */
export function checking(
  reading: Reading,
  { queries, form }: RewrittenText,
  catalog: Catalog,
): readonly ShapeQuestion[] {
  const { context, parameterOids } = reading;
  return queries.map((text, i) => ({
    key: shapeKey(reading, form, i),
    text,
    parameterOids,
    context,
    catalog,
  }));
}

/**
 * What the server's opinion of a query of a rewritten text goes by.
 *
 * @param form as in RewrittenText
 * @param query its place among those of the text that are restricted
 */
export function shapeKey(
  { statement, context, parameterOids }: Reading,
  form: string,
  query: number,
): string {
  return ['rewritten', statement.fingerprint, context.id, parameterOids.join(), form, query].join('\0');
}
