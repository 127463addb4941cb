import { type InspectedStatement } from '../../engine/engine';
import { type Explanation, type RestrictedForm } from '../../engine/explain/explanation';
import { type ExplainedStatement, type ExplainText } from '../../query/explain/explain-option';
import { encodeSync } from '../../wire/frontend/sync';
import { retryableError } from '../hidden/held-run';
import { hiddenQuestion } from '../hidden/hidden-command';
import { type HiddenNames } from '../hidden/hidden-statement';
import { type KeyTables } from '../hidden/key-tables';
import { type BackendScan } from '../scan/backend-scan';
import { type Candidate } from '../scan/candidate';
import { type FrontendScan } from '../scan/frontend-scan';
import { Owed } from '../scan/reply-queue';
import { type SessionLink } from '../scan/session-link';
import { type SessionTracker } from '../scan/session-tracker';
import { type SessionWait } from '../scan/session-wait';
import { ExplainExecution, ExplainRun } from './explain-run';
import { ExplainReply, type Measured } from './explain-reply';
import { Measurement } from './measurement';

/** What the session does at the turns of an explanation. */
export interface ExplainOwner {
  readonly isOver: boolean;
  /** Whether the server may be asked for the context before the message at hand is sent. */
  readonly mayAskNow: boolean;
  /** Asks for the context. If that fails a transaction block, the client is told, and `decided` is not called. */
  askBefore(candidate: Candidate, decided: () => void): void;
  setWait(wait: SessionWait): void;
  resumeAfter(wait: SessionWait): void;
  /** The client's statement has failed with this error, an ErrorResponse. */
  answerWithError(candidate: Candidate, error: Buffer): void;
}

/**
 * Answers `EXPLAIN (PCACHE) <statement>`. The server gets the text with blanks in place of the option, so it is the server who
 * refuses what is wrong with the statement, its place in the transaction, its options or the client's privileges, who
 * describes the result and says EXPLAIN in the end. Only the rows are ours, put in the place of the server's (ExplainRun). On
 * the way to that:
 *
 *   asking    the context is asked for, if it is not certain and may be asked for
 *   planning  the engine explains each of the statements
 *   measuring with ANALYZE: the restricted form is run unseen, before the client's message is sent, which runs the statement as
 *             it came. Only what reads and nothing else is run twice, only outside of a transaction block what could raise
 *             an error of its own, and only what is alone: an exchange of ours needs a Sync
 *   sent      the message goes to the server
 */
export class Explainer {
  constructor(
    private readonly link: SessionLink,
    private readonly tracker: SessionTracker,
    private readonly frontend: FrontendScan,
    private readonly backend: BackendScan,
    private readonly names: HiddenNames,
    private readonly keyTables: KeyTables,
    private readonly owner: ExplainOwner,
  ) {}

  /** The message at hand, a Query or a Bind, is of a text that asks for an explanation. */
  explain(candidate: Candidate, text: ExplainText, hasAsked = false): void {
    const { tracker, frontend, owner } = this;
    if (tracker.status === 'failed' && frontend.isNothingInFlight) {
      this.send(candidate, new Map());
      return;
    }
    if (!tracker.isCertainFor(candidate.prepared) && !hasAsked && owner.mayAskNow) {
      owner.askBefore(candidate, () => this.explain(candidate, text, true));
      return;
    }
    owner.setWait('planning');
    void Promise.all(text.explained.map((asked) => this.explanationOf(candidate, text, asked)))
      .catch((error: unknown) => {
        tracker.reports.engineFailed('plan', error);
        return text.explained.map(() => engineError);
      })
      .then((explanations) =>
        this.link.guard(() => {
          if (!owner.isOver) this.explained(candidate, text, explanations);
        }),
      );
  }

  private explanationOf(
    candidate: Candidate,
    text: ExplainText,
    { inner, before, isAnalyzed }: ExplainedStatement,
  ): Promise<Explanation> {
    const { engine } = this.link;
    const { context } = this.tracker;
    const isSingle = isAlone(text);
    // What stands before it in the text is run before it, and may change what it means.
    const isCertain =
      this.tracker.isCertainFor(candidate.prepared) &&
      (before.trim() === '' || engine.inspect(before).leavesContextAlone);
    const canRetry = isSingle && candidate.canRetry && context?.endsOnError !== true;
    return engine.explain({
      statement: engine.inspect(inner),
      context,
      isContextCertain: isCertain,
      parameters: candidate.parameters,
      canRetry,
      canGuard: canRetry && !isAnalyzed,
      // To measure a form, no tables are made.
      canMakeTables: isSingle && !isAnalyzed && this.keyTables.mayMake(candidate),
    });
  }

  private explained(candidate: Candidate, text: ExplainText, explanations: readonly Explanation[]): void {
    const { owner } = this;
    const [asked] = text.explained;
    const form = explanations[0]?.restricted;
    const objection = form === undefined ? undefined : this.objectionToMeasuring(text, form);
    if (asked?.isAnalyzed !== true || form === undefined || objection !== undefined) {
      this.send(candidate, this.replies(text, explanations, objection));
      owner.resumeAfter('planning');
      return;
    }
    owner.setWait('measuring');
    this.measure(candidate, asked, form, (measurement) => {
      const { error } = measurement;
      const { status } = this.tracker;
      // It was a cancel request or a time-out that hit it, or a transaction block is failed now.
      const isClients = error !== undefined && retryableError(error, 0, error.length) === undefined;
      if (error !== undefined && (isClients || status === 'failed')) {
        owner.answerWithError(candidate, error);
        return;
      }
      this.send(candidate, this.replies(text, explanations, measurement));
      owner.resumeAfter('measuring');
    });
  }

  /** Why the restricted form is not run for the sake of its plan. */
  private objectionToMeasuring(text: ExplainText, form: RestrictedForm): string | undefined {
    if (!form.isReadOnly) return 'the statement does more than read';
    if (!isAlone(text) || !this.frontend.isNothingInFlight) return 'other statements are under way';
    if (form.mayRaise && this.tracker.status !== 'idle')
      return 'it could raise an error, which would fail the transaction block';
    return undefined;
  }

  private replies(
    text: ExplainText,
    explanations: readonly Explanation[],
    measured: Measured | undefined,
  ): ReadonlyMap<number, ExplainReply> {
    const { isUtf8 } = this.tracker;
    return new Map(
      text.explained.map((asked, i) => [
        asked.index,
        new ExplainReply(asked, explanations[i] ?? engineError, measured, isUtf8),
      ]),
    );
  }

  /** Sends the message at hand. A statement that SQL may have put under the client's name is answered by the server alone. */
  private send(candidate: Candidate, replies: ReadonlyMap<number, ExplainReply>): void {
    const { tracker, frontend } = this;
    const { prepared, portalName, protocol, statement } = candidate;
    const isStillKnown = prepared === undefined || tracker.prepared.has(prepared);
    const isOurs = replies.size > 0 && isStillKnown && tracker.isTextCertain(prepared);
    const executed: InspectedStatement = isOurs ? new ExplainRun(statement, replies) : statement;
    if (protocol === 'simple') {
      tracker.querySent(executed instanceof ExplainRun ? new ExplainExecution(executed, 0) : executed);
      frontend.forward();
    } else {
      tracker.bindSent(portalName, executed);
      frontend.forward();
      frontend.noteBatchEntry();
    }
    if (isOurs) this.backend.hasExplained = true;
    candidate.releaseChunk();
  }

  /** Runs EXPLAIN ANALYZE of the restricted form ahead of whatever has been added for the server and was not sent. */
  private measure(
    candidate: Candidate,
    { explain }: ExplainedStatement,
    { text, parameterOids }: RestrictedForm,
    measured: (measurement: Measurement) => void,
  ): void {
    const { tracker, backend, link } = this;
    const { queue } = tracker;
    const saved = queue.takeAll();
    const measurement = new Measurement(() => {
      queue.putBack(saved);
      backend.awaitAnswer(undefined);
      measured(measurement);
    });
    const { formats = [], values = [] } = candidate.parameters ?? {};
    const question = hiddenQuestion(queue, this.names, {
      query: `${explain}\n${text}`,
      parameterTypeOids: parameterOids,
      parameterFormats: formats,
      parameters: values,
    });
    queue.push(Owed.Sync, undefined, true);
    backend.awaitAnswer(measurement);
    link.toUpstream.writeAhead(Buffer.concat([question, encodeSync()]));
  }
}

const engineError: Explanation = {
  mode: 'on',
  reason: 'engine error',
  fingerprint: undefined,
  coverage: undefined,
  blocks: [],
  restricted: undefined,
};

/** Whether the statement that is explained is the only one of its text. */
function isAlone({ explained, isSingle }: ExplainText): boolean {
  return isSingle && explained.length === 1;
}
