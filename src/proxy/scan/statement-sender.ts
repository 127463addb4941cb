import { type ForwardPlan, type RewritePlan } from '../../engine/engine';
import { renameBindStatement } from '../../wire/frontend/bind';
import { encodeClose } from '../../wire/frontend/close';
import { encodeDescribe } from '../../wire/frontend/describe';
import { encodeParse } from '../../wire/frontend/parse';
import { encodeQuery } from '../../wire/frontend/query';
import { encodeSync } from '../../wire/frontend/sync';
import { type Candidate } from './candidate';
import { type FrontendScan } from './frontend-scan';
import { HiddenStatement, RunPreparation, type HiddenNames } from '../hidden/hidden-statement';
import { HiddenTwins } from '../hidden/hidden-twins';
import { listsPrepared } from './rewrite-objection';
import { Owed } from './reply-queue';
import { type PreparedStatement } from './prepared-statements';
import { TextKeeper } from '../hidden/text-keeper';
import { type SessionLink } from './session-link';
import { type SessionTracker } from './session-tracker';
import { StatementRun } from './statement-run';

/**
 * Sends candidates: the client's own message, or what the plan puts in its place.
 *
 * In the extended protocol the client's Parse went out unchanged; its Bind is sent with the name of a hidden statement that has
 * the rewritten text. For a statement that is executed as soon as it is parsed, as most drivers do, the hidden one is closed
 * in the same breath: the portal keeps its plan (PortalDefineQuery takes a reference to the cached plan). A statement that
 * is executed later, and so perhaps often, gets a twin that stays (HiddenTwins). So does a text that comes again (TextKeeper).
 */
export class StatementSender {
  private readonly twins: HiddenTwins<PreparedStatement>;
  private readonly texts: TextKeeper;

  constructor(
    private readonly link: SessionLink,
    private readonly tracker: SessionTracker,
    private readonly frontend: FrontendScan,
    private readonly names: HiddenNames,
  ) {
    this.twins = new HiddenTwins(tracker, (original) => tracker.prepared.has(original));
    this.texts = new TextKeeper(tracker, names);
  }

  /** Adds the message to what goes to the server; nothing is written. */
  send(candidate: Candidate, plan: ForwardPlan | RewritePlan): StatementRun {
    const { tracker, frontend } = this;
    if (plan.kind === 'forward') this.beforeOther(candidate.statement.text);
    const isContextCertain = tracker.isCertainFor(candidate.prepared);
    const run = new StatementRun(candidate, plan, tracker.context, isContextCertain);
    if (candidate.protocol === 'simple') {
      const kept = plan.kind === 'forward' ? undefined : this.texts.messages(run, plan);
      if (kept === undefined) tracker.querySent(run);
      if (plan.kind === 'forward') frontend.forward();
      else this.link.toUpstream.append(kept ?? encodeQuery({ query: plan.text }));
    } else if (plan.kind === 'forward') {
      tracker.bindSent(candidate.portalName, run);
      frontend.forward();
      frontend.noteBatchEntry();
    } else this.sendBind(candidate, plan, run);
    return run;
  }

  /**
   * A text that is not restricted is about to be sent. If it lists prepared statements, it must not find ours. (One in a
   * function can: it sees names that begin with `pcache_`.)
   */
  beforeOther(text: string): void {
    const { twins, texts } = this;
    if (twins.size + texts.size === 0 || !listsPrepared.test(text) || this.tracker.queue.isCopyingIn) return;
    const all = [...twins.takeAll(), ...texts.takeAll()];
    // Between batches they are one of their own: nothing of the client's is to seem to be under way.
    if (this.frontend.batchEntries === 0) this.link.toUpstream.append(this.closeInBatch(all));
    else for (const hidden of all) this.close(hidden);
  }

  /** Drops the hidden statements whose own Close the server skipped after an error; nothing is owed. */
  closeLeftOpen(): void {
    this.link.toUpstream.writeAhead(this.closeInBatch(this.tracker.leftOpen.splice(0)));
  }

  private closeInBatch(all: readonly HiddenStatement[]): Buffer {
    const { queue } = this.tracker;
    const closes = all.map(({ name }) => encodeClose({ target: 'statement', name }));
    for (const each of all) queue.push(Owed.Close, each, true);
    queue.push(Owed.Sync, undefined, true);
    return Buffer.concat([...closes, encodeSync()]);
  }

  private sendBind({ prepared, frame, portalName }: Candidate, plan: RewritePlan, run: StatementRun): void {
    const isFromBefore = prepared !== undefined && prepared.batch !== this.tracker.batch;
    // A text that reads tables of this one execution is good for no other.
    const readsTables = plan.tables !== undefined;
    const known = isFromBefore && !readsTables ? this.twins.find(plan, prepared) : undefined;
    const hidden = known ?? new HiddenStatement(this.names.next());
    const isKept = isFromBefore && !readsTables && !this.tracker.certainty.hasSuspects;
    if (known === undefined) {
      if (isKept) for (const old of this.twins.keep(hidden, plan, prepared)) this.close(old);
      this.parse(hidden, plan, run);
      if (isFromBefore) this.describe(prepared, run, hidden);
    }
    if (prepared !== undefined) prepared.parameterOids ??= plan.parameterOids;
    this.tracker.bindSent(portalName, run);
    this.add(renameBindStatement(frame, hidden.name));
    if (!isKept) this.close(hidden);
  }

  private parse(hidden: HiddenStatement, plan: RewritePlan, run: StatementRun): void {
    const { text: query, parameterOids: parameterTypeOids } = plan;
    this.tracker.queue.push(Owed.Parse, new RunPreparation('Parse', run, hidden), true);
    this.add(encodeParse({ statementName: hidden.name, query, parameterTypeOids }));
  }

  /**
   * Has the server look at the client's own statement as it would at Bind: if it can no longer be run since a table was
   * changed (`cached plan must not change result type`), the client has to be told, though the new text could be. From here
   * on the two grow old together. In the batch of the client's own Parse there is no need: its locks are still held.
   */
  private describe({ name }: PreparedStatement, run: StatementRun, hidden: HiddenStatement): void {
    this.tracker.queue.push(Owed.Describe, new RunPreparation('Describe', run, hidden), true);
    this.add(encodeDescribe({ target: 'statement', name }));
  }

  private close(hidden: HiddenStatement): void {
    this.tracker.queue.push(Owed.Close, hidden, true);
    this.add(encodeClose({ target: 'statement', name: hidden.name }));
  }

  private add(message: Buffer): void {
    this.frontend.noteBatchEntry();
    this.link.toUpstream.append(message);
  }
}
