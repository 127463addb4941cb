import { methods, type Method } from '../../query/rewrite/method';
import { Counter, Gauge, type Registry } from 'prom-client';
import { SqlState } from '../../errors/pg-error';
import { DataPathHistogram, type ObservedDurations } from './data-path-histogram';
import { shareBuckets, statementBuckets } from './durations';
import { forwardReasons } from './forward-reasons';
import { knownLabels } from './known-labels';

/** The facts the metrics take of a finished statement; the proxy's event has them all. */
export interface FinishedStatement {
  readonly plan: 'forward' | 'rewrite';
  readonly reason: string | undefined;
  readonly outcome: 'complete' | 'failed' | 'fellBack';
  readonly elapsedMs: number;
  /** partial: some of the statement's blocks could not be restricted. Counted as full if it is not told. */
  readonly coverage?: 'full' | 'partial';
  /** Whether it was a text sent as a hidden statement. Counted as not if it is not told. */
  readonly isKeptText?: boolean;
  /** How the restricted form is restricted. */
  readonly method?: Method;
  /** Share of all keys that its most selective restriction lets through; absent if not restricted, or how many there are is not known. */
  readonly keysKeptShare?: number | undefined;
  /** What became of each block; undefined if the statement was not looked into. */
  readonly blocks?: readonly { readonly reason: string | undefined }[] | undefined;
}

const statementOutcomes = ['hit', 'partial', 'miss', 'bypass', 'fallback'] as const;
type StatementOutcome = (typeof statementOutcomes)[number];

/** Reason under which statements are counted that the engine had no interest in. */
const notCandidate = 'not a candidate';

/**
 * Counts what the proxy reports. It has the shape of the proxy's own ProxyEvents without importing it, since imports
 * run from proxy to ops.
 */
export class ProxyMetrics {
  readonly #reasonLabel = knownLabels(forwardReasons.keys());
  readonly #sqlStateLabel = knownLabels(Object.values(SqlState));
  /** Statements passed since the last scrape: on the data path of every statement, so no label look-up there. */
  #passed = 0;
  /** Blocks since then, by why they were left as they are; undefined for those that were restricted. */
  readonly #blockReasons = new Map<string | undefined, number>();
  /** Candidates forwarded and completed since then, by reason: nearly all of them are. */
  readonly #forwarded = new Map<string | undefined, number>();

  readonly #connections: Gauge;
  readonly #opened: Counter;
  readonly #closed: Counter<'end'>;
  readonly #refused: Counter<'limit'>;
  readonly #statements: Counter<'outcome'>;
  readonly #rewrites: Counter<'outcome' | 'reason'>;
  readonly #blocks: Counter<'outcome' | 'reason'>;
  readonly #directSeconds: ObservedDurations;
  readonly #restrictedSeconds: ObservedDurations;
  readonly #methods: Counter<'method'>;
  readonly #keysKept: ReadonlyMap<Method, ObservedDurations>;
  readonly #contextQuestions: Counter<'outcome'>;
  readonly #keyTables: Counter<'outcome'>;
  readonly #keptTexts: Counter;
  readonly #queryTimeouts: Counter;
  readonly #cancelRequests: Counter<'outcome'>;
  readonly #protocolErrors: Counter<'side' | 'sqlstate'>;
  readonly #engineFailures: Counter<'operation'>;
  readonly #scanningGivenUp: Counter;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#connections = new Gauge({
      name: 'pcache_connections',
      help: 'Client connections that are open.',
      registers,
    });
    this.#opened = new Counter({
      name: 'pcache_connections_total',
      help: 'Client connections accepted.',
      registers,
    });
    this.#closed = new Counter({
      name: 'pcache_connections_closed_total',
      help: 'Client connections ended, by what ended them.',
      labelNames: ['end'],
      registers,
    });
    for (const end of ['client', 'upstream', 'upstreamUnreachable', 'internalError'])
      this.#closed.inc({ end }, 0);
    this.#refused = new Counter({
      name: 'pcache_sessions_refused_total',
      help:
        'Clients refused with 53300, by the limit: all (limits.max_sessions), database, user, files (the process can open no ' +
        'more).',
      labelNames: ['limit'],
      registers,
    });
    for (const limit of ['all', 'database', 'user', 'files']) this.#refused.inc({ limit }, 0);
    this.#statements = new Counter({
      name: 'pcache_statements_total',
      help:
        'Statements run: hit (restricted), partial (some of it restricted), miss (nothing cached yet), bypass (not ' +
        'ours to change), fallback (the restricted form was given up unseen).',
      labelNames: ['outcome'],
      registers,
      collect: () => {
        this.#flush();
      },
    });
    // Rates are computed from differences: the first hit must have a zero before it.
    for (const outcome of statementOutcomes) this.#statements.inc({ outcome }, 0);
    this.#rewrites = new Counter({
      name: 'pcache_rewrite_outcome_total',
      help: 'Statements by what became of them and, for those left as they were, why.',
      labelNames: ['outcome', 'reason'],
      registers,
      collect: () => {
        this.#flush();
      },
    });
    this.#blocks = new Counter({
      name: 'pcache_blocks_total',
      help: 'Blocks (each SELECT … FROM at any depth) of statements looked into: restricted, or left as they are and why.',
      labelNames: ['outcome', 'reason'],
      registers,
      collect: () => {
        this.#flushBlocks();
      },
    });
    const statementSeconds = new DataPathHistogram({
      name: 'pcache_statement_seconds',
      help: 'Time from sending a candidate statement to its completion, by the form that was sent.',
      label: 'form',
      values: ['direct', 'restricted'],
      buckets: statementBuckets,
      registers,
    });
    this.#directSeconds = statementSeconds.of('direct');
    this.#restrictedSeconds = statementSeconds.of('restricted');
    this.#methods = new Counter({
      name: 'pcache_restricted_statements_total',
      help: 'Statements sent restricted, by the method; see "Restriction methods".',
      labelNames: ['method'],
      registers,
    });
    for (const method of methods) this.#methods.inc({ method }, 0);
    const keysKept = new DataPathHistogram({
      name: 'pcache_keys_kept_ratio',
      help: 'Share of all partition keys that the most selective restriction of a restricted statement lets through.',
      label: 'method',
      values: methods,
      buckets: shareBuckets,
      registers,
    });
    this.#keysKept = new Map(methods.map((method) => [method, keysKept.of(method)]));
    this.#contextQuestions = new Counter({
      name: 'pcache_context_questions_total',
      help: "Hidden questions for a session's settings.",
      labelNames: ['outcome'],
      registers,
    });
    this.#keyTables = new Counter({
      name: 'pcache_key_tables_total',
      help:
        'Statements for which temporary tables were asked for: made, refused (by the server: it went as it came), unfit (in ' +
        'a transaction block, for instance: restricted inline).',
      labelNames: ['outcome'],
      registers,
    });
    for (const outcome of ['made', 'refused', 'unfit']) this.#keyTables.inc({ outcome }, 0);
    this.#keptTexts = new Counter({
      name: 'pcache_kept_texts_total',
      help: 'Restricted texts that came again in their session, and were run by a plan that it has kept.',
      registers,
    });
    this.#queryTimeouts = new Counter({
      name: 'pcache_query_timeouts_total',
      help: 'Statements canceled because they ran into limits.query_timeout_ms.',
      registers,
    });
    this.#cancelRequests = new Counter({
      name: 'pcache_cancel_requests_total',
      help: 'Cancel requests of clients.',
      labelNames: ['outcome'],
      registers,
    });
    this.#protocolErrors = new Counter({
      name: 'pcache_protocol_errors_total',
      help: 'Connections ended because a peer broke the protocol.',
      labelNames: ['side', 'sqlstate'],
      registers,
    });
    this.#engineFailures = new Counter({
      name: 'pcache_engine_failures_total',
      help: 'Errors inside the engine; the statements were forwarded as they came. Each is a bug; see the log.',
      labelNames: ['operation'],
      registers,
    });
    // Of what alerts look at, the first must have a zero before it.
    for (const operation of ['inspect', 'plan', 'completed', 'readContext', 'catalogChanged'])
      this.#engineFailures.inc({ operation }, 0);
    this.#scanningGivenUp = new Counter({
      name: 'pcache_scanning_given_up_total',
      help: 'Sessions that go on as a mere relay because replies no longer matched requests.',
      registers,
    });
  }

  connectionOpened(): void {
    this.#connections.inc();
    this.#opened.inc();
  }

  connectionClosed(end: string): void {
    this.#connections.dec();
    this.#closed.inc({ end });
  }

  sessionRefused(limit: string): void {
    this.#refused.inc({ limit });
  }

  statementFinished(statement: FinishedStatement): void {
    const { plan, reason, outcome, elapsedMs, blocks, method, keysKeptShare } = statement;
    if (method !== undefined) this.#methods.inc({ method });
    if (statement.isKeptText === true) this.#keptTexts.inc();
    if (method !== undefined && keysKeptShare !== undefined)
      this.#keysKept.get(method)?.observe(keysKeptShare);
    for (const block of blocks ?? [])
      this.#blockReasons.set(block.reason, (this.#blockReasons.get(block.reason) ?? 0) + 1);
    if (outcome === 'complete') {
      const seconds = plan === 'rewrite' ? this.#restrictedSeconds : this.#directSeconds;
      seconds.observe(elapsedMs / 1000);
    }
    if (plan === 'forward' && outcome === 'complete') {
      this.#forwarded.set(reason, (this.#forwarded.get(reason) ?? 0) + 1);
      return;
    }
    this.#statements.inc({ outcome: this.#outcomeOf(statement) });
    const rewrite = plan === 'forward' ? 'bypassed' : outcome === 'fellBack' ? 'fallback' : 'rewritten';
    this.#rewrites.inc({ outcome: rewrite, reason: this.#reasonLabel(reason) });
  }

  statementPassed(): void {
    this.#passed += 1;
  }

  contextAsked(outcome: 'answered' | 'failed'): void {
    this.#contextQuestions.inc({ outcome });
  }

  keyTables(outcome: string): void {
    this.#keyTables.inc({ outcome });
  }

  queryTimedOut(): void {
    this.#queryTimeouts.inc();
  }

  cancelRelayed(outcome: 'relayed' | 'failed'): void {
    this.#cancelRequests.inc({ outcome });
  }

  protocolError(side: 'client' | 'upstream', sqlState: string): void {
    this.#protocolErrors.inc({ side, sqlstate: this.#sqlStateLabel(sqlState) });
  }

  engineFailed(operation: string): void {
    this.#engineFailures.inc({ operation });
  }

  scanningGivenUp(): void {
    this.#scanningGivenUp.inc();
  }

  #outcomeOf({ plan, reason, outcome, coverage }: FinishedStatement): StatementOutcome {
    if (outcome === 'fellBack') return 'fallback';
    if (plan === 'rewrite') return coverage === 'partial' ? 'partial' : 'hit';
    return forwardReasons.get(reason ?? '')?.countsAs ?? 'bypass';
  }

  #flushBlocks(): void {
    for (const [reason, count] of this.#blockReasons) {
      const outcome = reason === undefined ? 'restricted' : 'left';
      this.#blocks.inc({ outcome, reason: this.#reasonLabel(reason) }, count);
    }
    this.#blockReasons.clear();
  }

  #flush(): void {
    for (const [reason, count] of this.#forwarded) {
      this.#statements.inc({ outcome: forwardReasons.get(reason ?? '')?.countsAs ?? 'bypass' }, count);
      this.#rewrites.inc({ outcome: 'bypassed', reason: this.#reasonLabel(reason) }, count);
    }
    this.#forwarded.clear();
    if (this.#passed === 0) return;
    this.#statements.inc({ outcome: 'bypass' }, this.#passed);
    this.#rewrites.inc({ outcome: 'bypassed', reason: notCandidate }, this.#passed);
    this.#passed = 0;
  }
}
