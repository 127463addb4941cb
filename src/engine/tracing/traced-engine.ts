import {
  type Context,
  context,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Tracer,
} from '@opentelemetry/api';
import type { Completion, InspectedStatement, Plan, PlanRequest, ReadContext } from '../engine';
import type { Explanation } from '../explain/explanation';
import type { SwitchedEngine } from '../switchable-engine';
import { parentOf } from './trace-parent';

/**
 * An engine whose decisions and statements are spans: `pcache.plan`, with its steps below it (see tracedEvents), and `pcache.upstream`, from
 * sending a statement to its completion. Both belong to the span the client named in the statement's last comment, as sqlcommenter writes
 * it; else the plan is a trace of its own, and the rest below it. No text and no value gets into a span.
 */
export class TracedEngine implements SwitchedEngine {
  /** By plan, what upstream is below. */
  readonly #contexts = new WeakMap<object, Context>();

  constructor(
    private readonly engine: SwitchedEngine,
    private readonly database: string,
    private readonly tracer: Tracer,
  ) {}

  get trouble(): string | undefined {
    return this.engine.trouble;
  }

  get isContextWanted(): boolean {
    return this.engine.isContextWanted;
  }

  get contextQuery(): string {
    return this.engine.contextQuery;
  }

  inspect(text: string): InspectedStatement {
    return this.engine.inspect(text);
  }

  plan(request: PlanRequest): Plan | Promise<Plan> {
    const { statement } = request;
    if (!statement.isCandidate) return this.engine.plan(request);
    const parent = parentOf(statement.text);
    const span = this.tracer.startSpan('pcache.plan', { attributes: this.#attributes() }, parent);
    const below = trace.setSpan(parent, span);
    const planned = (plan: Plan): Plan => {
      span.setAttributes(attributesOf(plan));
      span.end();
      if (plan.kind === 'needsContext') return plan;
      // Plans are shared by statements; this one is to be told from others.
      const own = { ...plan };
      this.#contexts.set(own, parent === ROOT_CONTEXT ? below : parent);
      return own;
    };
    const failed = (error: unknown): never => {
      span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
      throw error;
    };
    let plan: Plan | Promise<Plan>;
    try {
      plan = context.with(below, () => this.engine.plan(request));
    } catch (error) {
      return failed(error);
    }
    return plan instanceof Promise ? plan.then(planned, failed) : planned(plan);
  }

  explain(request: PlanRequest): Promise<Explanation> {
    return this.engine.explain(request);
  }

  completed(completion: Completion): { readonly wantsContext: boolean } {
    const { statement, plan, elapsedMs, outcome, givenUpFor } = completion;
    if (statement.isCandidate && completion.isRepeated !== true) {
      const endTime = performance.timeOrigin + performance.now();
      const attributes = {
        ...this.#attributes(),
        ...attributesOf(plan),
        'pcache.outcome': outcome,
        ...(givenUpFor === undefined ? {} : { 'pcache.given_up_for': givenUpFor }),
      };
      const options = { kind: SpanKind.CLIENT, startTime: endTime - elapsedMs, attributes };
      const parent = this.#contexts.get(plan) ?? parentOf(statement.text);
      const span = this.tracer.startSpan('pcache.upstream', options, parent);
      if (outcome === 'failed') span.setStatus({ code: SpanStatusCode.ERROR });
      span.end(endTime);
    }
    return this.engine.completed(completion);
  }

  catalogChanged(): void {
    this.engine.catalogChanged();
  }

  readContext(row: readonly (string | null)[]): ReadContext {
    return this.engine.readContext(row);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.engine[Symbol.asyncDispose]();
  }

  #attributes(): Readonly<Record<string, string>> {
    return { 'db.system.name': 'postgresql', 'db.namespace': this.database };
  }
}

function attributesOf(plan: Plan): Readonly<Record<string, string>> {
  switch (plan.kind) {
    case 'needsContext':
      return { 'pcache.plan': 'needs context' };
    case 'forward':
      return { 'pcache.plan': 'forward', 'pcache.reason': plan.reason };
    case 'rewrite':
      return {
        'pcache.plan': 'rewrite',
        'pcache.coverage': plan.coverage,
        'pcache.method': plan.restriction.method,
      };
  }
}
