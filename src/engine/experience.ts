import { BoundedMap } from './bounded-map';
import { isBestGuess, type Form } from './form';

/** What running a statement's shape in one form has shown. */
interface FormExperience {
  /** Running average, in milliseconds. */
  averageMs: number;
  runs: number;
}

interface ShapeExperience {
  readonly direct: FormExperience;
  readonly restricted: Map<Form, FormExperience>;
  /** Executions to let pass unrestricted before the restricted form gets another chance. */
  sitOut: number;
  /** Executions in a restricted form since the statement was last to be run as the client wrote it. */
  sinceDirect: number;
  /** The largest share of all keys that a restriction has kept, if that is known. */
  keptShare: number;
  /** Times the restricted form failed where the original did not. */
  failures: number;
  /** Until when, by the clock handed in, it is not used for that. */
  blockedUntilMs: number;
  /** Whether its rows were seen to be others than the original's. */
  isDistrusted: boolean;
}

/** A run of a restricted form that could be measured. */
export interface RestrictedRun {
  readonly elapsedMs: number;
  /** Of all keys, from 0 to 1, how many the restriction left; undefined if that is not known. */
  readonly keptShare?: number | undefined;
  /** The form was asked for, and nothing follows from its being slow. */
  readonly isForced?: boolean;
}

/**
 * Why a form was chosen. only: there is no other. tried: it, or another, has not been run often enough to be judged, or is looked at
 * once more. fastest: of all that can be used, by the times measured.
 */
export type ChoiceReason = 'only' | 'tried' | 'fastest';

/** Weight of the newest measurement in the running average. */
const newestShare = 0.3;
/** Runs of a form before it is judged; the first one, with cold caches, does not count. */
const runsBeforeJudgement = 2;
/** What was judged by one time only may have been judged wrong: of so many runs, one is of a form that was not much slower. */
const runsBetweenSecondLooks = 16;
const notMuchSlower = 2;
/**
 * The client's own form is looked at once more after so many executions in another: soon if one time is all that is known of it, which may
 * have been one with cold caches, and now and then if it was not much slower. Never if that would cost more than it can show.
 */
const runsToSecondDirect = 16;
const runsToFurtherDirect = 64;
const slowestSecondDirect = 10;
/**
 * A form that was never run as the client wrote it (the cache was full before the first statement came) is run so once, where a restriction
 * keeps at least this share of the keys: it is then not expected to take more than the inverse of that times as long, and the restricted one
 * may well be slower. Where few keys are kept, the original may take minutes, and is not asked for.
 */
const leastShareToFirstDirect = 0.05;
const slowerThanDirect = 1.1;
/**
 * Restricting another column than the best guess may take as long as the original, which is taken for so many times slower if it was never run. It is
 * tried where that is no time to speak of, in milliseconds, or is made up for by so many executions in a form that takes next to nothing.
 */
const harmlessTrialMs = 1_000;
const runsToPayForTrial = 20;
/** A form that takes so many times as long as another is judged by one time, unless it is the first that was run, with cold caches. */
const farSlower = 3;
const executionsToSitOut = 50;
const maxShapes = 10_000;
/** After its first failure a restricted form is not used for this long; after each further one, for twice as long as before. */
const firstBlockMs = 5 * 60_000;
const longestBlockMs = 24 * 60 * 60_000;

/**
 * A restriction can make a query slower: it changes the plan (design.md, section 6). All forms are measured as they are
 * run, by statement shape; the fastest is used, and if that is the client's own, the others are tried again now and then.
 *
 * Times of day are handed in, in milliseconds of any one clock.
 */
export class Experience {
  readonly #shapes = new BoundedMap<string, ShapeExperience>(maxShapes);

  /** What `objection` would say, without counting. */
  peekObjection(shape: string, nowMs: number): string | undefined {
    const experience = this.#shapes.get(shape);
    if (experience === undefined) return undefined;
    if (experience.isDistrusted) return 'differed when verified';
    if (nowMs < experience.blockedUntilMs) return 'failed when restricted';
    if (experience.sitOut > 0) return 'slower when restricted';
    return undefined;
  }

  /** Why no restricted form should be used now; counts as one execution. `isForced`: a form is asked for, however slow. */
  objection(shape: string, nowMs: number, isForced = false): string | undefined {
    const objection = this.peekObjection(shape, nowMs);
    if (isForced && objection === 'slower when restricted') return undefined;
    const experience = this.#shapes.get(shape);
    if (experience === undefined || isForced) return objection;
    if (objection === undefined && isDirectDue(experience)) {
      experience.sinceDirect = 0;
      return 'measured as it came';
    }
    if (objection !== 'slower when restricted') return objection;
    experience.sitOut--;
    if (experience.sitOut === 0) giveFastestAnotherChance(experience);
    return objection;
  }

  /** Whether forms that are no best guesses are worth a try, or have had one: those that are have been run, and the time it may take is made up for. */
  isTrialDue(shape: string, forms: readonly Form[]): boolean {
    const experience = this.#shapes.get(shape);
    if (experience === undefined) return false;
    const { restricted, direct } = experience;
    const wasRun = (form: Form): boolean => (restricted.get(form)?.runs ?? 0) > 0;
    const guesses = forms.filter(isBestGuess);
    if (guesses.length === forms.length) return false;
    if (forms.some((form) => !isBestGuess(form) && wasRun(form))) return true;
    if (!guesses.every(wasRun)) return false;
    const payingMs = runsToPayForTrial * fastestOf(guesses.flatMap((form) => restricted.get(form) ?? []));
    if (direct.runs === 0) return payingMs <= harmlessTrialMs;
    return direct.averageMs <= Math.max(harmlessTrialMs, payingMs);
  }

  /** The form to use among those that can be used: the fastest, when all have been tried. Those before it are tried before it. */
  choose(
    shape: string,
    forms: readonly [Form, ...Form[]],
  ): { readonly form: Form; readonly why: ChoiceReason } {
    const [first, ...others] = forms;
    if (others.length === 0) return { form: first, why: 'only' };
    const { restricted } = this.#of(shape);
    const runsOf = (form: Form): number => restricted.get(form)?.runs ?? 0;
    const averageOf = (form: Form): number => restricted.get(form)?.averageMs ?? 0;
    const [untried, ...more] = unjudged(forms, restricted);
    if (untried !== undefined)
      return { form: more.reduce((a, b) => (runsOf(b) < runsOf(a) ? b : a), untried), why: 'tried' };
    const fastest = others.reduce((a, b) => (averageOf(b) < averageOf(a) ? b : a), first);
    const isTimeToLook = forms.reduce((sum, form) => sum + runsOf(form), 0) % runsBetweenSecondLooks === 0;
    const [contender, ...contenders] = forms.filter(
      (form) => form !== fastest && averageOf(form) <= notMuchSlower * averageOf(fastest),
    );
    if (!isTimeToLook || contender === undefined) return { form: fastest, why: 'fastest' };
    return { form: contenders.reduce((a, b) => (runsOf(b) < runsOf(a) ? b : a), contender), why: 'tried' };
  }

  /**
   * The restricted form failed where the original did not (rule S12). It is not used for some minutes, after each further
   * failure for twice as long, up to a day: what made it fail may have been a row, a value or a plan that is gone, but each
   * new try that fails costs its client the time of both forms.
   *
   * @returns for how long it is not used, in milliseconds; undefined if that was so already
   */
  block(shape: string, nowMs: number): number | undefined {
    const experience = this.#of(shape);
    if (nowMs < experience.blockedUntilMs) return undefined;
    const blockMs = Math.min(firstBlockMs * 2 ** experience.failures, longestBlockMs);
    experience.failures++;
    experience.blockedUntilMs = nowMs + blockMs;
    return blockMs;
  }

  /** The restricted form had other rows than the original: it is not used any more. */
  distrust(shape: string): void {
    this.#of(shape).isDistrusted = true;
  }

  /** The average time of the statement as the client wrote it, in milliseconds, if it was ever run so. */
  directMs(shape: string): number | undefined {
    const direct = this.#shapes.get(shape)?.direct;
    return direct === undefined || direct.runs === 0 ? undefined : direct.averageMs;
  }

  noteDirect(shape: string, elapsedMs: number): void {
    const experience = this.#of(shape);
    note(experience.direct, elapsedMs);
  }

  noteRestricted(
    shape: string,
    form: Form,
    forms: readonly Form[],
    { elapsedMs, keptShare, isForced = false }: RestrictedRun,
  ): void {
    const experience = this.#of(shape);
    const { restricted, direct } = experience;
    const noted = restricted.get(form) ?? fresh();
    restricted.set(form, noted);
    note(noted, elapsedMs);
    if (isForced) return;
    experience.sinceDirect++;
    experience.keptShare = Math.max(experience.keptShare, keptShare ?? 0);
    if (direct.runs === 0 || unjudged(forms, restricted).length > 0) return;
    const known = forms.map((each) => restricted.get(each) ?? fresh());
    if (fastestOf(known) > slowerThanDirect * experience.direct.averageMs)
      experience.sitOut = executionsToSitOut;
  }

  #of(shape: string): ShapeExperience {
    const known = this.#shapes.get(shape);
    if (known !== undefined) return known;
    const experience = {
      direct: fresh(),
      restricted: new Map<Form, FormExperience>(),
      sitOut: 0,
      sinceDirect: 0,
      keptShare: 0,
      failures: 0,
      blockedUntilMs: 0,
      isDistrusted: false,
    };
    this.#shapes.set(shape, experience);
    return experience;
  }
}

/** Whether it is time to run the statement as it came, so as to know what the others are compared with. */
function isDirectDue({ direct, restricted, sinceDirect, keptShare }: ShapeExperience): boolean {
  if (sinceDirect < runsToSecondDirect) return false;
  if (direct.runs === 0) return keptShare >= leastShareToFirstDirect;
  const timesSlower = direct.averageMs / fastestOf([...restricted.values()]);
  if (direct.runs < runsBeforeJudgement) return timesSlower <= slowestSecondDirect;
  return sinceDirect >= runsToFurtherDirect && timesSlower <= notMuchSlower;
}

/** Those of the forms of which not enough is known, in their order. */
function unjudged(forms: readonly Form[], restricted: ReadonlyMap<Form, FormExperience>): readonly Form[] {
  const tried = forms.flatMap((form) => restricted.get(form) ?? []).filter(({ runs }) => runs > 0);
  const fastestMs = fastestOf(tried);
  return forms.filter((form, i) => {
    const { runs, averageMs } = restricted.get(form) ?? fresh();
    const isFarSlower = i > 0 && runs > 0 && averageMs > farSlower * fastestMs;
    return runs < runsBeforeJudgement && !isFarSlower;
  });
}

/** The others will be looked at when it is used, if they were not much slower. */
function giveFastestAnotherChance({ restricted }: ShapeExperience): void {
  const forms = [...restricted.values()].filter(({ runs }) => runs > 0);
  const fastest = fastestOf(forms);
  for (const form of forms) if (form.averageMs === fastest) form.runs = 0;
}

function fastestOf(forms: readonly FormExperience[]): number {
  return Math.min(...forms.map(({ averageMs }) => averageMs));
}

function fresh(): FormExperience {
  return { averageMs: 0, runs: 0 };
}

function note(form: FormExperience, elapsedMs: number): void {
  form.averageMs = form.runs < 2 ? elapsedMs : form.averageMs + newestShare * (elapsedMs - form.averageMs);
  form.runs++;
}
