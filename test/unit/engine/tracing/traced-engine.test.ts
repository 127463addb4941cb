import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import type { Completion, Plan, PlanRequest } from '../../../../src/engine/engine';
import { unheard } from '../../../../src/engine/engine-events';
import type { SwitchedEngine } from '../../../../src/engine/switchable-engine';
import { parentOf } from '../../../../src/engine/tracing/trace-parent';
import { TracedEngine } from '../../../../src/engine/tracing/traced-engine';
import { tracedEvents } from '../../../../src/engine/tracing/traced-events';
import { findTracer } from '../../../../src/engine/tracing/tracer';

const exporter = new InMemorySpanExporter();
const traceId = '0af7651916cd43dd8448eb211c80319c';
const parentId = 'b7ad6b7169203331';
const sent = `traceparent='00-${traceId}-${parentId}-01'`;

test('without an SDK there is no tracer', () => {
  expect(findTracer()).toBeUndefined();
});

describe('with an SDK', () => {
  beforeAll(() => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    const spanProcessors = [new SimpleSpanProcessor(exporter)];
    trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors }));
  });
  beforeEach(() => exporter.reset());

  const forward: Plan = { kind: 'forward', reason: 'miss' };
  const traced = (plan: (request: PlanRequest) => Plan | Promise<Plan>): TracedEngine => {
    const tracer = findTracer();
    if (tracer === undefined) throw new Error('there is no tracer');
    const events = tracedEvents(unheard, tracer);
    const engine = {
      plan: (request: PlanRequest) => events.step('analyse', () => plan(request)),
      completed: () => ({ wantsContext: true }),
    };
    return new TracedEngine(engine as unknown as SwitchedEngine, 'shop', tracer);
  };
  const request = (text: string, isCandidate = true): PlanRequest =>
    ({ statement: { text, isCandidate, leavesContextAlone: true } }) as PlanRequest;
  const completion = (own: PlanRequest, plan: Plan, more: Partial<Completion> = {}): Completion =>
    ({ ...own, plan, elapsedMs: 40, outcome: 'complete', isTimed: true, ...more }) as Completion;
  const spans = () =>
    exporter.getFinishedSpans().map((span) => ({
      name: span.name,
      ...{ traceId: span.spanContext().traceId, spanId: span.spanContext().spanId },
      ...{ parent: span.parentSpanContext?.spanId, attributes: span.attributes, status: span.status.code },
      ms: span.duration[0] * 1_000 + span.duration[1] / 1e6,
    }));

  test('a statement is a trace: plan, its steps, upstream', async () => {
    const engine = traced(() => forward);
    const own = request(`select 'secret'`);
    const plan = await engine.plan(own);
    expect(plan).toEqual(forward);
    expect(engine.completed(completion(own, plan))).toEqual({ wantsContext: true });
    const [step, planned, upstream] = spans();
    expect(planned).toMatchObject({ name: 'pcache.plan', parent: undefined });
    expect(step).toMatchObject({
      name: 'pcache.analyse',
      parent: planned?.spanId,
      traceId: planned?.traceId,
    });
    expect(upstream).toMatchObject({
      ...{ name: 'pcache.upstream', parent: planned?.spanId, traceId: planned?.traceId },
      attributes: { 'db.namespace': 'shop', 'pcache.reason': 'miss', 'pcache.outcome': 'complete' },
    });
    expect(upstream?.ms).toBeCloseTo(40, 0);
    expect(JSON.stringify(spans())).not.toContain('secret');
  });

  test('one that names its parent is part of that trace', async () => {
    const engine = traced(() => Promise.resolve(forward));
    const own = request(`select 1 /*a='b',${sent}*/;`);
    engine.completed(completion(own, await engine.plan(own)));
    const below = spans().filter(({ name }) => name !== 'pcache.analyse');
    expect(below.map(({ name }) => name)).toEqual(['pcache.plan', 'pcache.upstream']);
    for (const span of below) expect(span).toMatchObject({ traceId, parent: parentId });
  });

  test('statements that share a plan keep their traces apart', async () => {
    const engine = traced(() => forward);
    const [first, second] = [request('select 1'), request('select 2')];
    const plans = [await engine.plan(first), await engine.plan(second)] as const;
    engine.completed(completion(second, plans[1]));
    engine.completed(completion(first, plans[0]));
    const planned = spans().filter(({ name }) => name === 'pcache.plan');
    const upstream = spans().filter(({ name }) => name === 'pcache.upstream');
    expect(upstream.map((span) => span.parent)).toEqual([planned[1]?.spanId, planned[0]?.spanId]);
  });

  test('what fails is marked, and what is asked twice is one statement', async () => {
    const engine = traced(() => Promise.reject(new Error('a bug')));
    await expect(engine.plan(request('select 1'))).rejects.toThrow('a bug');
    expect(spans().at(-1)).toMatchObject({ name: 'pcache.plan', status: 2 });
    engine.completed(completion(request('select 1'), forward, { outcome: 'failed' }));
    expect(spans().at(-1)).toMatchObject({ name: 'pcache.upstream', status: 2 });
    exporter.reset();
    engine.completed(completion(request('select 1'), forward, { isRepeated: true }));
    await expect(engine.plan(request('select 1', false))).rejects.toThrow('a bug');
    expect(spans()).toEqual([]);
  });
});

test.each([
  ['select 1', undefined],
  [`select 1 /*${sent}*/`, traceId],
  [`select 1 /*a='b', ${sent},c='d'*/ ;\n`, traceId],
  [`select '${sent}'`, undefined],
  [`select 1 /*${sent}*/ where true`, undefined],
  [`/*${sent}*/ select 1`, undefined],
  [`select 1 /*a${sent}*/`, undefined],
  [`select 1 /*${sent.replace('00-', '01-')}*/`, undefined],
  [`select 1 /*${sent.replace(traceId, '0'.repeat(32))}*/`, undefined],
])('the parent of: %s', (text, expected) => {
  expect(trace.getSpanContext(parentOf(text))?.traceId).toBe(expected);
});

test.each(['/*', '/*a', '*/', "/*traceparent='00-", ' ', ',', '*'])(
  'a text of many %s takes no time',
  (piece) => {
    const startedAt = performance.now();
    parentOf(piece.repeat(200_000));
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  },
);
