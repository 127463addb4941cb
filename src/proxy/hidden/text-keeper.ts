import { type RewritePlan } from '../../engine/engine';
import { encodeBind } from '../../wire/frontend/bind';
import { encodeClose } from '../../wire/frontend/close';
import { encodeDescribe } from '../../wire/frontend/describe';
import { encodeExecute } from '../../wire/frontend/execute';
import { encodeParse } from '../../wire/frontend/parse';
import { encodeSync } from '../../wire/frontend/sync';
import { Owed } from '../scan/reply-queue';
import { type SessionTracker } from '../scan/session-tracker';
import { type StatementRun } from '../scan/statement-run';
import { HiddenStatement, RunPreparation, type HiddenNames } from './hidden-statement';
import { HiddenTwins } from './hidden-twins';

/**
 * A plan is made anew after this time, in milliseconds. The server makes it anew when a table it reads has changed, or been analysed; not when
 * somebody makes a function that the text would mean now, nor when a setting is changed for all sessions.
 */
const maxAgeMs = 10_000;
/**
 * A plan may take the server much memory: one for each session, for each partition it reads what is done there, with the keys in it. A client that
 * sends texts does not expect that; so there are few, and none of a long text.
 */
export const maxKept = 8;
const maxTextLength = 20_000;
/** Texts that are remembered as seen once; the oldest are forgotten. */
const maxSeen = 100;
/** So many hidden statements in a row were gone when they were to be run again, that the session keeps no more: a pooler may stand between. */
const maxLost = 3;

/**
 * Plans that a session keeps of texts. Planning takes the server longer than the rest of many a restricted query, and a text is planned each time it
 * comes; so one that comes again is sent as a hidden statement: parsed and planned once, bound and executed from then on.
 *
 *   Close ''  [Parse]  Bind  Describe  Execute  Sync     in the place of     Query
 *
 * To the client nothing differs. Query, too, is one transaction, sends rows as text, and destroys the unnamed statement and portal. Only texts
 * are kept that mean the same when they are not parsed again (`RewritePlan.lastsWith`); that stand alone outside of transaction blocks, so that
 * the original can be run unseen if the hidden statement cannot be (it is gone, or `cached plan must not change result type`); and
 * whose CommandComplete, which comes before the commit here, waits for what the commit comes to (BackendScan).
 */
export class TextKeeper {
  private readonly twins: HiddenTwins<object>;
  /** By text what was known of the database when it was last sent as a text. */
  private readonly seen = new Map<string, object>();

  private lastUsed: HiddenStatement | undefined;
  private lost = 0;

  constructor(
    private readonly tracker: SessionTracker,
    private readonly names: HiddenNames,
  ) {
    this.twins = new HiddenTwins(tracker, () => true, maxKept, maxAgeMs);
  }

  get size(): number {
    return this.twins.size;
  }

  /** Forgets all of them; they are to be closed. */
  takeAll(): readonly HiddenStatement[] {
    return this.twins.takeAll();
  }

  /** What to send for a run that is about to be; undefined: the text. */
  messages(run: StatementRun, plan: RewritePlan): Buffer | undefined {
    const { lastsWith, text } = plan;
    if (this.lastUsed !== undefined) this.lost = this.lastUsed.hasFailed ? this.lost + 1 : 0;
    this.lastUsed = undefined;
    if (lastsWith === undefined || text.length > maxTextLength || !this.mayBeHidden(run)) return undefined;
    const known = this.twins.find(plan, lastsWith);
    if (known === undefined && this.seen.get(text) !== lastsWith) {
      this.note(text, lastsWith);
      return undefined;
    }
    const { tracker } = this;
    const hidden = known ?? new HiddenStatement(this.names.next());
    this.lastUsed = known;
    const { name } = hidden;
    const out: Buffer[] = [];
    tracker.unnamedGone();
    this.close(undefined, out);
    if (known === undefined) {
      for (const old of this.twins.keep(hidden, plan, lastsWith)) this.close(old, out);
      tracker.queue.push(Owed.Parse, new RunPreparation('Parse', run, hidden), true);
      out.push(encodeParse({ statementName: name, query: text, parameterTypeOids: [] }));
    }
    tracker.queue.push(Owed.Bind, new RunPreparation('Bind', run, hidden), true);
    tracker.queue.push(Owed.Describe, new RunPreparation('Describe', run, hidden));
    tracker.statementSent(Owed.Execute, run);
    tracker.syncSent();
    run.isKeptText = true;
    out.push(
      encodeBind({
        portalName: '',
        statementName: name,
        parameterFormats: [],
        parameters: [],
        resultFormats: [],
      }),
      encodeDescribe({ target: 'portal', name: '' }),
      encodeExecute({ portalName: '', maxRows: 0 }),
      encodeSync(),
    );
    return Buffer.concat(out);
  }

  /** Whether its reply can be held back until it is known to be good, and nothing has been said that the server may have another context by. */
  private mayBeHidden({ candidate, context, isContextCertain }: StatementRun): boolean {
    if (this.lost >= maxLost) return false;
    return (
      candidate.canRetry &&
      isContextCertain &&
      !this.tracker.certainty.hasSuspects &&
      context?.endsOnError !== true
    );
  }

  private note(text: string, lastsWith: object): void {
    this.seen.delete(text);
    this.seen.set(text, lastsWith);
    for (const oldest of this.seen.keys()) {
      if (this.seen.size <= maxSeen) break;
      this.seen.delete(oldest);
    }
  }

  /** @param hidden undefined: the unnamed statement */
  private close(hidden: HiddenStatement | undefined, out: Buffer[]): void {
    this.tracker.queue.push(Owed.Close, hidden, true);
    out.push(encodeClose({ target: 'statement', name: hidden?.name ?? '' }));
  }
}
