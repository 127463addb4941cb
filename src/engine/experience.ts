import { BoundedMap } from './bounded-map';

/** What running a statement's shape has shown so far. Times in milliseconds. */
interface ShapeExperience {
  directMs: number | undefined;
  restrictedMs: number | undefined;
  restrictedRuns: number;
  /** Executions to let pass unrestricted before the restricted form gets another chance. */
  sitOut: number;
  isBlocked: boolean;
}

/** Weight of the newest measurement in the running average. */
const newestShare = 0.3;
/** Runs of the restricted form before it is judged: the first one plans with cold caches. */
const runsBeforeJudgement = 3;
const slowerThanDirect = 1.1;
const executionsToSitOut = 50;
const maxShapes = 10_000;

/**
 * A restriction can make a query slower: it changes the plan (design.md, section 6). Both forms are measured as they are
 * run, by statement shape, and the one that is slower is not used, but tried again now and then.
 */
export class Experience {
  readonly #shapes = new BoundedMap<string, ShapeExperience>(maxShapes);

  /** Why the restricted form should not be used now; counts as one execution. */
  objection(shape: string): string | undefined {
    const experience = this.#shapes.get(shape);
    if (experience === undefined) return undefined;
    if (experience.isBlocked) return 'failed when restricted';
    if (experience.sitOut === 0) return undefined;
    experience.sitOut--;
    if (experience.sitOut === 0) experience.restrictedRuns = 0;
    return 'slower when restricted';
  }

  /** The rewritten form raised an error that the original did not: it is not used again (rule S12). */
  block(shape: string): void {
    this.#of(shape).isBlocked = true;
  }

  /** The average time of the statement as the client wrote it, in milliseconds, if it was ever run so. */
  directMs(shape: string): number | undefined {
    return this.#shapes.get(shape)?.directMs;
  }

  note(shape: string, form: 'direct' | 'restricted', elapsedMs: number): void {
    const experience = this.#of(shape);
    if (form === 'direct') {
      experience.directMs = average(experience.directMs, elapsedMs);
      return;
    }
    experience.restrictedMs =
      experience.restrictedRuns === 0 ? elapsedMs : average(experience.restrictedMs, elapsedMs);
    experience.restrictedRuns++;
    const { directMs, restrictedMs, restrictedRuns } = experience;
    if (
      directMs !== undefined &&
      restrictedRuns >= runsBeforeJudgement &&
      restrictedMs > slowerThanDirect * directMs
    ) {
      experience.sitOut = executionsToSitOut;
    }
  }

  #of(shape: string): ShapeExperience {
    const known = this.#shapes.get(shape);
    if (known !== undefined) return known;
    const fresh = {
      directMs: undefined,
      restrictedMs: undefined,
      restrictedRuns: 0,
      sitOut: 0,
      isBlocked: false,
    };
    this.#shapes.set(shape, fresh);
    return fresh;
  }
}

function average(before: number | undefined, newest: number): number {
  return before === undefined ? newest : before + newestShare * (newest - before);
}
