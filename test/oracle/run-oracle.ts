import { Random } from './random';
import { randomStatement } from './random-statement';
import type { Schema } from './schema';
import { shrink } from './shrink';
import { runnable, type Query, type RunnableQuery } from './statement';
import { difference, type Attempt, type Outcome, type Subject } from './subject';

/** What a run of the oracle has seen. */
export class OracleReport {
  statements = 0;
  /** Statements that were restricted at some point. */
  restricted = 0;
  rewrites = 0;
  fallbacks = 0;
  extended = 0;
  errors = 0;
  timeouts = 0;
  /** Errors of the server, and reasons for leaving a statement as it is, with how often they came. */
  readonly sqlStates = new Map<string, number>();
  readonly reasons = new Map<string, number>();
  readonly failures: string[] = [];

  get share(): number {
    return this.statements === 0 ? 0 : this.restricted / this.statements;
  }

  toString(): string {
    const counts = (map: ReadonlyMap<string, number>): string =>
      [...map]
        .sort(([, a], [, b]) => b - a)
        .map(([name, count]) => `${name} ${count}`)
        .join(', ');
    return [
      `${this.statements} statements (${this.extended} with parameters, ${this.errors} that fail, ${this.timeouts} given up as too slow)`,
      `${(100 * this.share).toFixed(1)} % restricted at some point; ${this.rewrites} restricted runs, ${this.fallbacks} of them fell back`,
      `not restricted: ${counts(this.reasons)}`,
      `errors: ${counts(this.sqlStates)}`,
    ].join('\n');
  }
}

export interface OracleRun {
  readonly seed: number;
  readonly schemaNumber: number;
  readonly schema: Schema;
  readonly subject: Subject;
  readonly statements: number;
  /** The run ends then, in milliseconds as `Date.now()` counts. */
  readonly endsAt: number;
  /** Share of statements that are learned; the others may still match what is known from these. */
  readonly learnedShare: number;
}

/** Runs statements over one schema; what was wrong is in the report. */
export async function runOracle(run: OracleRun, report: OracleReport): Promise<void> {
  for (let number = 1; number <= run.statements && Date.now() < run.endsAt; number++) {
    const random = new Random(run.seed, run.schemaNumber, number);
    const statement = randomStatement(run.schema, random);
    const isExtended = random.chance(0.3);
    const isLearned = random.chance(run.learnedShare);
    const problem = await compare(run.subject, runnable(statement, isExtended), isLearned, random, report);
    if (problem === undefined) continue;
    report.failures.push(await explain(run, number, statement, isExtended, problem));
  }
}

interface Problem {
  readonly difference: string;
  readonly sent: string;
}

/** The statement as a client would meet it in time: nothing known, something known, all known, in a transaction block. */
async function compare(
  subject: Subject,
  query: RunnableQuery,
  isLearned: boolean,
  random: Random,
  report: OracleReport,
): Promise<Problem | undefined> {
  const direct = await subject.direct(query);
  report.statements++;
  if (query.values !== undefined) report.extended++;
  if (direct.kind === 'error') {
    count(report.sqlStates, direct.sqlState);
    if (direct.sqlState === '57014') {
      report.timeouts++;
      return undefined;
    }
    report.errors++;
  }

  let isRestricted = false;
  const check = async (place: 'alone' | 'in transaction'): Promise<Problem | undefined> => {
    const attempt = await subject.through(query, place);
    if (attempt.isRestricted) report.rewrites++;
    if (attempt.reason === 'fell back') report.fallbacks++;
    else if (attempt.reason !== undefined && place === 'alone' && (isLearned || !isMiss(attempt)))
      count(report.reasons, attempt.reason);
    isRestricted ||= attempt.isRestricted;
    return problemOf(direct, attempt);
  };
  let problem = await check('alone');
  if (isLearned && problem === undefined) {
    await subject.learn(query);
    problem = await check('alone');
  }
  if (problem === undefined && isRestricted && random.chance(0.4)) problem = await check('in transaction');
  if (isRestricted) report.restricted++;
  return problem;
}

function isMiss({ reason }: Attempt): boolean {
  return reason === 'miss' || reason === 'nothing cached';
}

function problemOf(direct: Outcome, attempt: Attempt): Problem | undefined {
  const found = difference(direct, attempt.outcome);
  // A statement near the time limit is no evidence of anything.
  if (found === undefined || (attempt.outcome.kind === 'error' && attempt.outcome.sqlState === '57014'))
    return undefined;
  return { difference: found, sent: attempt.text ?? '(as it was written)' };
}

/** Everything needed to make a test of it; smaller, if it also fails with nothing else known. */
async function explain(
  { seed, schemaNumber, schema, subject }: OracleRun,
  number: number,
  statement: Query,
  isExtended: boolean,
  { difference: found, sent }: Problem,
): Promise<string> {
  const failsAlone = async (candidate: Query): Promise<Problem | undefined> => {
    const query = runnable(candidate, isExtended);
    await subject.forget();
    const direct = await subject.direct(query);
    await subject.learn(query);
    for (const place of ['alone', 'in transaction'] as const) {
      const problem = problemOf(direct, await subject.through(query, place));
      if (problem !== undefined) return problem;
    }
    return undefined;
  };
  const alone = await failsAlone(statement);
  const smallest =
    alone === undefined
      ? statement
      : await shrink(statement, async (candidate) => (await failsAlone(candidate)) !== undefined);
  const last = alone === undefined ? undefined : await failsAlone(smallest);
  const query = runnable(smallest, isExtended);
  return [
    `ORACLE_SEED=${seed}, schema ${schemaNumber}, statement ${number}: ${last?.difference ?? found}`,
    alone === undefined ? '(only together with what other statements have taught)' : '',
    `statement: ${query.text}`,
    query.values === undefined ? '' : `parameters: ${JSON.stringify(query.values)}`,
    `sent:      ${last?.sent ?? sent}`,
    `tracked:   ${JSON.stringify(schema.tracked.map(({ name, datatype, tables }) => [name, datatype, [...tables]]))}`,
  ]
    .filter((line) => line !== '')
    .join('\n');
}

function count(map: Map<string, number>, name: string): void {
  map.set(name, (map.get(name) ?? 0) + 1);
}
