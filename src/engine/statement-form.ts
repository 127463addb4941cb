import type { ForwardPlan } from './engine';

/** Longer texts are mostly data, and rarely come twice in the same form. */
const maxTextLength = 10_000;

/**
 * Where a scan for quotes and digits could go wrong, because they may not mean what they look like: comments,
 * backslashes, dollar quotes, U& with its escape character, and the two private characters that stand for literals below.
 */
const isTricky = /--|\/\*|\\|\$(?!\d)|[uU]&|[\ue000\ue001]/;

/** Quoted identifiers, strings, and unsigned numbers that are no part of a name or a parameter. */
const literals = /("[^"]*")|('[^']*')|(?<![\w.$\u0080-\uffff])\d+(?:\.\d+)?(?![\w.\u0080-\uffff])/g;

/**
 * A text with a mark in place of each literal. Texts that are equal then consist of the same tokens but for the values of
 * strings and numbers, so they are the same kind of statement, call the same functions and name the same tables.
 *
 * @returns undefined for a text this cannot be said of with certainty
 */
export function withoutLiterals(text: string): string | undefined {
  if (text.length > maxTextLength || isTricky.test(text)) return undefined;
  return text.replace(literals, (literal, identifier: string | undefined, string: string | undefined) => {
    if (identifier !== undefined) return literal;
    return string === undefined ? '\ue000' : '\ue001';
  });
}

/** Why no statement of a form can be restricted with what is known in one version of the directory. */
interface Verdict {
  readonly plan: ForwardPlan;
  readonly version: number;
  executionsLeft: number;
}

/** Executions a verdict is good for: it was reached with the values of one of them. */
const executionsPerVerdict = 1_000;
/** Different columns are restricted as more becomes known. */
const maxVerified = 16;
/** Sessions of one application mostly have one context. */
const maxContexts = 16;

/**
 * What texts that differ in literals only have in common, so that those that turn out to be of no interest need not be
 * parsed: parsing takes longer than everything else a proxy does with a short statement.
 */
export class StatementForm {
  readonly #verified = new Set<string>();
  /** By context. */
  readonly #verdicts = new Map<string, Verdict>();

  /** The same for all texts of this form; kept here by whoever computes it first. */
  fingerprint: string | undefined;
  /** As in CandidateStatement; likewise. */
  isMeasured: boolean | undefined;

  /** @param isCandidate whether texts of this form are SELECTs, that may be restricted */
  constructor(
    readonly isCandidate: boolean,
    readonly leavesContextAlone: boolean,
  ) {}

  /**
   * Whether a text of this form, restricted in some form of its own, was parsed again and found to be what it should be (rule S9).
   * Another text with the same restrictions differs from it in the values of literals only, and so does its tree.
   */
  isVerified(restrictedForm: string): boolean {
    return this.#verified.has(restrictedForm);
  }

  noteVerified(restrictedForm: string): void {
    if (this.#verified.size >= maxVerified) this.#verified.clear();
    this.#verified.add(restrictedForm);
  }

  /** Notes that no statement of this form can be restricted with what is known in this version of the directory. */
  note(plan: ForwardPlan, version: number, contextKey: string): void {
    if (this.#verdicts.size >= maxContexts) this.#verdicts.clear();
    this.#verdicts.set(contextKey, { plan, version, executionsLeft: executionsPerVerdict });
  }

  /** The plan for one execution, if it is known already. Now and then it is not, so that one is looked at again. */
  verdict(version: number, contextKey: string): ForwardPlan | undefined {
    const verdict = this.#verdicts.get(contextKey);
    if (verdict?.version !== version || verdict.executionsLeft === 0) return undefined;
    verdict.executionsLeft--;
    return verdict.plan;
  }
}
