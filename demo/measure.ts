import type { Client } from 'pg';
import { until } from '../test/support/until';
import { keysKept } from './keys-kept';
import { isLearning } from '../test/support/learning';
import type { Answer, QuestionSession } from './question-session';
import type { Question } from './questions';

/** How the answer to one question was arrived at, and how fast. Times are medians, in milliseconds. */
export interface Measurement {
  readonly name: string;
  readonly direct_ms: number;
  /** Through the proxy, before anything was known. */
  readonly first_ms: number;
  readonly cached_ms: number;
  readonly rows: number;
  /** Whether every answer through the proxy had exactly the rows of the direct one. */
  readonly identical: boolean;
  /** Partition keys the cached form was restricted to, of all there are. */
  readonly keys: number;
  readonly total_keys: number;
}

export interface Sessions {
  readonly direct: QuestionSession;
  readonly proxied: QuestionSession;
  /** Not through the proxy; looks at what the server is given. */
  readonly observer: Client;
  readonly adminUrl: string;
}

/** More than the slowest fragment takes on a slow machine. */
const learningDeadlineMs = 60_000;
/** The first answer may only tell the proxy what it has to ask the session for; the next ones it learns from. */
const maxRounds = 5;
/** The proxy tries each of its ways to restrict a statement a few times, and keeps the fastest. */
const settlingRuns = 6;

export async function measure(
  question: Question,
  { direct, proxied, observer, adminUrl }: Sessions,
  { runs, totalKeys }: { readonly runs: number; readonly totalKeys: number },
): Promise<Measurement> {
  const expected = await direct.ask(question); // also brings the tables into memory, for both ways
  const first = await proxied.ask(question);
  const settling = await askUntilRestricted(question, { proxied, observer, adminUrl });

  // In turns, so that whatever else the machine does disturbs both alike.
  const directAnswers: Answer[] = [];
  const cachedAnswers: Answer[] = [];
  const kept: number[] = [];
  for (let run = 0; run < runs; run++) {
    directAnswers.push(await direct.ask(question));
    cachedAnswers.push(await proxied.ask(question));
    kept.push((await keysKept(observer, proxied.backendPid)) ?? totalKeys);
  }

  const same = JSON.stringify(expected.rows);
  return {
    name: question.name,
    direct_ms: median(directAnswers.map(({ elapsedMs }) => elapsedMs)),
    first_ms: first.elapsedMs,
    cached_ms: median(cachedAnswers.map(({ elapsedMs }) => elapsedMs)),
    rows: expected.rows.length,
    identical: [first, ...settling, ...cachedAnswers].every(({ rows }) => JSON.stringify(rows) === same),
    keys: median(kept),
    total_keys: totalKeys,
  };
}

/**
 * Lets the proxy learn: asks, and lets it finish what that set off, until PostgreSQL is given a restricted statement, and
 * then some more times, until it has decided how to restrict it. It is no error if it never is restricted: the table then
 * says that all keys were kept.
 */
async function askUntilRestricted(
  question: Question,
  { proxied, observer, adminUrl }: Omit<Sessions, 'direct'>,
): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (let round = 0; round < maxRounds; round++) {
    await until('the proxy to have learned', async () => !(await isLearning(adminUrl)), {
      deadlineMs: learningDeadlineMs,
    });
    answers.push(await proxied.ask(question));
    if ((await keysKept(observer, proxied.backendPid)) !== undefined) break;
  }
  for (let run = 0; run < settlingRuns; run++) answers.push(await proxied.ask(question));
  return answers;
}

export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? NaN;
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? NaN;
  return (lower + upper) / 2;
}
