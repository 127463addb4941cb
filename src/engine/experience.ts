import { BoundedMap } from './bounded-map';

/**
 * Which columns of a key class are restricted. `every` helps where tables are read without an index on the key; `one` where
 * the planner, which takes conditions for independent of each other, would underestimate the rows that are left:
 * `a.key = b.key AND a.key = ANY(…) AND b.key = ANY(…)` filters twice in its eyes.
 */
export type Spread = 'one' | 'every';

/** What running a statement's shape in one form has shown. */
interface FormExperience {
  /** Running average, in milliseconds. */
  averageMs: number;
  runs: number;
}

interface ShapeExperience {
  readonly direct: FormExperience;
  readonly restricted: Record<Spread, FormExperience>;
  /** Executions to let pass unrestricted before the restricted form gets another chance. */
  sitOut: number;
  /** Times the restricted form failed where the original did not. */
  failures: number;
  /** Until when, by the clock handed in, it is not used for that. */
  blockedUntilMs: number;
}

/** Weight of the newest measurement in the running average. */
const newestShare = 0.3;
/** Runs of a form before it is judged; the first one, with cold caches, does not count. */
const runsBeforeJudgement = 2;
const slowerThanDirect = 1.1;
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

  /** Why no restricted form should be used now; counts as one execution. */
  objection(shape: string, nowMs: number): string | undefined {
    const experience = this.#shapes.get(shape);
    if (experience === undefined) return undefined;
    if (nowMs < experience.blockedUntilMs) return 'failed when restricted';
    if (experience.sitOut === 0) return undefined;
    experience.sitOut--;
    if (experience.sitOut === 0) for (const form of Object.values(experience.restricted)) form.runs = 0;
    return 'slower when restricted';
  }

  /** The form to use among those that differ for a statement: the fastest, when all have been tried. */
  choose(shape: string, spreads: readonly Spread[]): Spread {
    const { restricted } = this.#of(shape);
    const untried = spreads.filter((spread) => restricted[spread].runs < runsBeforeJudgement);
    const candidates = untried.length > 0 ? untried : spreads;
    const better = (a: Spread, b: Spread): Spread =>
      (
        untried.length > 0
          ? restricted[b].runs < restricted[a].runs
          : restricted[b].averageMs < restricted[a].averageMs
      )
        ? b
        : a;
    return candidates.reduce(better, candidates[0] ?? 'every');
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

  /** The average time of the statement as the client wrote it, in milliseconds, if it was ever run so. */
  directMs(shape: string): number | undefined {
    const direct = this.#shapes.get(shape)?.direct;
    return direct === undefined || direct.runs === 0 ? undefined : direct.averageMs;
  }

  noteDirect(shape: string, elapsedMs: number): void {
    note(this.#of(shape).direct, elapsedMs);
  }

  noteRestricted(shape: string, spread: Spread, spreads: readonly Spread[], elapsedMs: number): void {
    const experience = this.#of(shape);
    note(experience.restricted[spread], elapsedMs);
    const forms = spreads.map((each) => experience.restricted[each]);
    if (experience.direct.runs === 0 || forms.some(({ runs }) => runs < runsBeforeJudgement)) return;
    const fastestMs = Math.min(...forms.map(({ averageMs }) => averageMs));
    if (fastestMs > slowerThanDirect * experience.direct.averageMs) experience.sitOut = executionsToSitOut;
  }

  #of(shape: string): ShapeExperience {
    const known = this.#shapes.get(shape);
    if (known !== undefined) return known;
    const fresh = (): FormExperience => ({ averageMs: 0, runs: 0 });
    const experience = {
      direct: fresh(),
      restricted: { one: fresh(), every: fresh() },
      sitOut: 0,
      failures: 0,
      blockedUntilMs: 0,
    };
    this.#shapes.set(shape, experience);
    return experience;
  }
}

function note(form: FormExperience, elapsedMs: number): void {
  form.averageMs = form.runs < 2 ? elapsedMs : form.averageMs + newestShare * (elapsedMs - form.averageMs);
  form.runs++;
}
