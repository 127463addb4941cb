import { type RewritePlan } from '../../engine/engine';
import { type HiddenStatement } from './hidden-statement';
import { type SessionTracker } from '../scan/session-tracker';

/** A rewritten text that stays prepared beside what it was made of. */
interface Twin<Origin> {
  readonly hidden: HiddenStatement;
  readonly original: Origin;
  readonly parameterOids: readonly number[];
  /** Epoch of ContextCertainty its Parse was sent in. */
  readonly epoch: number;
  /** Number of the batch its Parse was sent in. */
  readonly batch: number;
  /** When that was, by performance.now. */
  readonly sentAt: number;
}

/** Of a client's prepared statements. */
export const maxTwins = 32;

/**
 * The hidden statements a session keeps, so that what is executed again with the same rewritten text costs a Bind and no more.
 *
 * A twin is used again only if it is certainly there and certainly means what a new one would:
 *   - nothing has run since its Parse that could have dropped it. DISCARD ALL and DEALLOCATE ALL may hide in any function
 *     or block; ContextCertainty counts an epoch for every statement that is not known to be harmless. (A rollback takes no
 *     prepared statement back.)
 *   - its Parse, and the Describe that goes with it, have been answered, or are in the batch at hand: if they fail, everything
 *     behind them is skipped.
 *   - what it was made of is the very same. A statement that the client has parsed anew may, after DDL, have
 *     columns of another type; the old twin would say `cached plan must not change result type`, and the client's would not.
 *   - the client has heard nothing when it was parsed or planned.
 */
export class HiddenTwins<Origin extends object> {
  /** By text; the one used last is last. */
  private readonly twins = new Map<string, Twin<Origin>>();

  /**
   * @param isThere whether what it was made of still is what it was
   * @param max more are not kept; the one not used for longest is closed
   * @param maxAgeMs how long it may be used, in milliseconds
   */
  constructor(
    private readonly tracker: SessionTracker,
    private readonly isThere: (original: Origin) => boolean,
    private readonly max = maxTwins,
    private readonly maxAgeMs = Infinity,
  ) {}

  get size(): number {
    return this.twins.size;
  }

  /** The twin for a plan, if it can be used. */
  find({ text, parameterOids }: RewritePlan, original: Origin): HiddenStatement | undefined {
    const twin = this.twins.get(text);
    if (twin?.original !== original || !this.isUsable(twin)) return undefined;
    if (!isSame(twin.parameterOids, parameterOids)) return undefined;
    this.twins.delete(text);
    this.twins.set(text, twin);
    return twin.hidden;
  }

  /**
   * Keeps a statement whose Parse is sent next.
   *
   * @returns those that are to be closed before, since they are of no more use
   */
  keep(
    hidden: HiddenStatement,
    { text, parameterOids }: RewritePlan,
    original: Origin,
  ): readonly HiddenStatement[] {
    const { certainty, batch } = this.tracker;
    const dropped: HiddenStatement[] = [];
    const drop = (key: string, twin: Twin<Origin>): void => {
      this.twins.delete(key);
      dropped.push(twin.hidden);
    };
    for (const [key, twin] of this.twins) if (key === text || !this.isUsable(twin)) drop(key, twin);
    for (const [key, twin] of this.twins) {
      if (this.twins.size < this.max) break;
      drop(key, twin);
    }
    this.twins.set(text, {
      hidden,
      original,
      parameterOids,
      epoch: certainty.epoch,
      batch,
      sentAt: performance.now(),
    });
    return dropped;
  }

  /** Forgets all of them; they are to be closed. */
  takeAll(): readonly HiddenStatement[] {
    const all = [...this.twins.values()].map(({ hidden }) => hidden);
    this.twins.clear();
    return all;
  }

  private isUsable({ hidden, original, epoch, batch, sentAt }: Twin<Origin>): boolean {
    const { certainty } = this.tracker;
    const isFit = !hidden.hasFailed && !hidden.hasSpoken && (hidden.isProven || batch === this.tracker.batch);
    const isYoung = this.maxAgeMs === Infinity || performance.now() - sentAt < this.maxAgeMs;
    return isFit && isYoung && epoch === certainty.epoch && !certainty.hasSuspects && this.isThere(original);
  }
}

function isSame(a: readonly number[], b: readonly number[]): boolean {
  return a === b || (a.length === b.length && a.every((oid, i) => oid === b[i]));
}
