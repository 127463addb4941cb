import { type RewritePlan } from '../../engine/engine';
import { encodeSync } from '../../wire/frontend/sync';
import { type BackendScan } from '../scan/backend-scan';
import { type Candidate, type RetryableBatch } from '../scan/candidate';
import { type FrontendScan } from '../scan/frontend-scan';
import { HeldRun } from './held-run';
import { type OriginalRun } from './original-run';
import { KeptOriginal } from './kept-original';
import { Owed, type Audience } from '../scan/reply-queue';
import { type SessionLink } from '../scan/session-link';
import { type SessionTracker } from '../scan/session-tracker';
import { type SessionWait } from '../scan/session-wait';
import { type StatementRun } from '../scan/statement-run';

/** What the session does at the turns of a held run. */
export interface FallbackOwner {
  readonly isOver: boolean;
  readonly wait: SessionWait;
  setWait(wait: SessionWait): void;
  /** The reply was released, or the original was added to what goes to the server: the client may be read on. */
  heldOver(): void;
}

/** Runs the original in the place of a restricted form that fails, unseen (rule S12); see HeldRun. */
export class Fallback {
  constructor(
    private readonly link: SessionLink,
    private readonly tracker: SessionTracker,
    private readonly frontend: FrontendScan,
    private readonly backend: BackendScan,
    private readonly owner: FallbackOwner,
  ) {}

  /** The reply of the run that was just sent is held back until it is known to be good. */
  hold(candidate: Candidate, run: StatementRun): void {
    this.backend.held = this.heldRun(candidate, run, candidate.batch?.bytes ?? candidate.frame);
  }

  /**
   * The reply of the run that was just sent is the client's, but if the server does not even take the restricted form, the original is sent.
   * Only if the client waits for it: the original is not run behind what came after it. Nor if the statement may not be run twice: the first that
   * comes of an INSERT may be what its triggers say, of tables of their own.
   */
  keep(candidate: Candidate, run: StatementRun, { mayRunTwice }: RewritePlan): void {
    const { frontend, owner } = this;
    if (!mayRunTwice || !candidate.canRetry || run.context?.endsOnError === true) return;
    const { batch } = candidate;
    const original = Buffer.from(batch?.bytes ?? candidate.frame);
    const held = this.heldRun(candidate, run, original);
    const lastMessage = frontend.messages + messagesBehindBind(batch);
    this.backend.kept = new KeptOriginal(run, () => {
      if (frontend.messages !== lastMessage || owner.wait !== 'reading') return undefined;
      owner.setWait('holding');
      return held;
    });
  }

  private heldRun(candidate: Candidate, run: StatementRun, original: Buffer): HeldRun {
    const { batch, portalName } = candidate;
    const { tracker } = this;
    const rerunSent = (original: OriginalRun): void => {
      if (batch === undefined) {
        tracker.querySent(original);
        return;
      }
      tracker.bindSent(portalName, original);
      if (batch.hasDescribe) tracker.queue.push(Owed.Describe);
      tracker.executeSent(portalName);
      tracker.syncSent();
    };
    const { plan } = run;
    const isUntilFirstRow = plan.kind === 'rewrite' && plan.isCertainAtFirstRow;
    return new HeldRun(run, original, isUntilFirstRow, rerunSent, this.link.limits.maxHeldBytes);
  }

  /** The reply outgrew its limit: what is still running is of no use. */
  interrupt(held: HeldRun): void {
    held.cancel = this.link.cancelUpstream();
  }

  /** ReadyForQuery came for the held run, or for the hidden Sync behind it. */
  ready(held: HeldRun, audience: Audience): void {
    if (held.state === 'holding') {
      this.backend.release();
      this.link.toClient.flush();
      this.owner.heldOver();
    } else if (held.state === 'swallowing' && held.cancel !== undefined) {
      held.state = 'settling';
      void held.cancel.then(() => this.link.guard(() => this.settle()));
    } else if (held.state === 'swallowing' || audience === 'proxy') {
      this.backend.held = undefined;
      held.rerunSent(held.originalRun());
      this.link.toUpstream.append(held.original);
      this.owner.heldOver();
    }
  }

  private settle(): void {
    if (this.owner.isOver) return;
    this.tracker.queue.push(Owed.Sync, undefined, true);
    this.link.toUpstream.writeAhead(encodeSync());
  }
}

/** `[Describe] Execute, Sync`; see findRetryableBatch. */
function messagesBehindBind(batch: RetryableBatch | undefined): number {
  if (batch === undefined) return 0;
  return batch.hasDescribe ? 3 : 2;
}
