import { median } from '../statistics';
import type { BenchProxy } from '../bench-proxy';
import { learningMs } from './poi-proxy';
import { type PoiQuestion } from './poi-questions';
import { type PoiSession } from './poi-session';

/** One question, one method. Times in milliseconds; those through the proxy include its looking into the statement. */
export interface PoiMeasurement {
  readonly question: string;
  readonly key: PoiQuestion['key'];
  /** all: the fragments of the question. one-table: only those of its tables by themselves. */
  readonly known: 'all' | 'one-table';
  readonly method: string;
  readonly directMs: number;
  /** With nothing known; of the whole question, whatever the method. */
  readonly firstMs: number;
  readonly cachedMs: number;
  readonly rows: number;
  readonly identical: boolean;
  readonly keysKept: number | undefined;
  readonly allKeys: number | undefined;
  readonly hits: number;
  /** Why it went as it came at the end. */
  readonly reason: string | undefined;
}

/** Executions in which the proxy tries its forms, before those that count: each of at most five is run twice, and what came is once more of sixteen. */
const settlingRuns = { auto: 20, asked: 5 } as const;
/** The name for `auto` with the question as a prepared statement, both ways: the server plans it once. */
export const preparedMethod = 'prepared';
/** The first answer may only tell the proxy what it has to ask the session for; the next ones it learns from. */
const maxRounds = 4;

export interface PoiSessions {
  readonly direct: PoiSession;
  readonly proxied: PoiSession;
  readonly proxy: BenchProxy;
}

/** Lets the proxy learn all it wants of a question; resolves to the time of the first answer. */
export async function teach(sql: string, { proxied, proxy }: PoiSessions): Promise<number> {
  const first = await proxied.ask(sql);
  for (let round = 0; round < maxRounds; round++) {
    await proxy.learned(learningMs);
    await proxied.ask(sql);
  }
  await proxy.learned(learningMs);
  return first.elapsedMs;
}

/** undefined if the proxy does not know the method, or does not take it for this question. */
export async function measureMethod(
  { name, key, sql }: PoiQuestion,
  method: string,
  known: PoiMeasurement['known'],
  firstMs: number,
  { direct, proxied }: PoiSessions,
  runs: number,
): Promise<PoiMeasurement | undefined> {
  const isPrepared = method === preparedMethod;
  const asked = isPrepared ? 'auto' : method;
  await proxied.run(`set pcache.method = '${asked}'`);
  const before = await proxied.explain(sql, key);
  if (asked !== 'auto' && before.method !== undefined && before.method !== method) return undefined;
  const expected = await direct.ask(sql, isPrepared);
  const settling = [];
  const settlings = asked === 'auto' ? settlingRuns.auto : settlingRuns.asked;
  for (let run = 0; run < settlings; run++) settling.push(await proxied.ask(sql, isPrepared));
  const [directMs, cachedMs]: [number[], number[]] = [[], []];
  let isIdentical = settling.every(({ rows }) => rows === expected.rows);
  const askDirect = async (): Promise<void> =>
    void directMs.push((await direct.ask(sql, isPrepared)).elapsedMs);
  const askCached = async (): Promise<void> => {
    const cached = await proxied.ask(sql, isPrepared);
    cachedMs.push(cached.elapsedMs);
    isIdentical &&= cached.rows === expected.rows;
  };
  // In turns, so that whatever else the machine does disturbs both alike; and each as often behind itself as behind the other, which leaves
  // the processors' caches full of its own.
  for (let run = 0; run < runs; run++)
    for (const ask of [askDirect, askCached, askCached, askDirect]) await ask();
  const { reason, method: used, aliases, ...kept } = await proxied.explain(sql, key);
  return {
    question: name,
    key,
    known,
    method: asked === 'auto' && reason === undefined ? `${method}: ${used ?? '-'} ${aliases ?? ''}` : method,
    directMs: median(directMs),
    firstMs,
    cachedMs: median(cachedMs),
    rows: expected.count,
    identical: isIdentical,
    ...kept,
    reason,
  };
}
