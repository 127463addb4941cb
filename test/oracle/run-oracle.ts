import { fatesOfBlocks } from './restricted-blocks';
import type { OracleReport } from './oracle-report';
import { Random } from './random';
import { randomStatement } from './random-statement';
import type { Schema } from './schema';
import { shrink } from './shrink';
import {
  partsOf,
  randomSending,
  runnable,
  type Place,
  type RunnableStatement,
  type Sending,
  type Statement,
} from './statement-form';
import { difference, hasLostConnection, type Attempt, type Outcome, type Subject } from './subject';

export interface OracleRun {
  readonly seed: number;
  readonly schemaNumber: number;
  readonly schema: Schema;
  /** Number of distinct keys in the database, by key column. */
  readonly keyCounts: ReadonlyMap<string, number>;
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
    const sending = randomSending(statement.form, random);
    const comparison = new Comparison(run, statement, sending, report);
    const problem = await comparison.compare(random.chance(run.learnedShare), random);
    if (problem === undefined) continue;
    report.noteFailure(await explain(run, number, statement, sending, problem));
  }
}

interface Problem {
  readonly difference: string;
  readonly sent: string;
}

/** A statement as a client would meet it in time: nothing known, something known, all known, in a transaction block. */
class Comparison {
  readonly #runnable: RunnableStatement;
  #isRestricted = false;
  #isLearned = false;

  constructor(
    private readonly run: OracleRun,
    private readonly statement: Statement,
    private readonly sending: Sending,
    private readonly report: OracleReport,
  ) {
    this.#runnable = runnable(statement, sending);
  }

  async compare(isToBeLearned: boolean, random: Random): Promise<Problem | undefined> {
    const { report, sending } = this;
    const { subject } = this.run;
    const direct = await subject.direct(this.#runnable, 'alone');
    if (direct.kind === 'error') {
      report.noteError(direct.sqlState);
      if (direct.sqlState === '57014') {
        report.timeouts++;
        return undefined;
      }
      if (direct.sqlState.startsWith('42')) report.invalid++;
    }
    const isInvalid = direct.kind === 'error' && direct.sqlState.startsWith('42');
    let problem = await this.#check(direct, 'alone');
    if (isToBeLearned && !isInvalid && problem === undefined) {
      await subject.learn(this.#runnable);
      this.#isLearned = true;
      problem = await this.#check(direct, 'alone');
    }
    if (problem === undefined && this.#isRestricted && random.chance(0.4))
      problem = await this.#check(direct, 'in transaction');
    const isParted = this.#isLearned || random.chance(0.3);
    if (problem === undefined && isParted && direct.kind === 'rows')
      problem = await partedProblem(subject, this.statement, sending, direct, () => report.parted++);
    const { protocol, isNamed } = sending;
    report.noteStatement(this.statement.form, isNamed ? `${protocol}, named` : protocol, this.#isRestricted);
    return problem;
  }

  async #check(direct: Outcome, place: Place): Promise<Problem | undefined> {
    const { report } = this;
    const attempt = await this.run.subject.through(this.#runnable, place);
    report.comparisons++;
    if (attempt.isRestricted) report.rewrites++;
    if (attempt.isKept === true) report.kept++;
    if (attempt.reason === 'fell back') report.fallbacks++;
    else if (attempt.reason !== undefined && place === 'alone' && this.#isLearned)
      report.noteReason(`${this.statement.form}: ${attempt.reason}`);
    this.#isRestricted ||= attempt.isRestricted;
    if (this.#isLearned && place === 'alone' && attempt.showsTexts === true) this.#noteBlocks(attempt);
    return problemOf(direct, attempt);
  }

  #noteBlocks(attempt: Attempt): void {
    const { schema, keyCounts } = this.run;
    for (const fate of fatesOfBlocks(this.#runnable.text, attempt.text)) {
      const isTracked = fate.tables.some((table) =>
        schema.tracked.some(({ tables }) => tables.has(`public.${table}`)),
      );
      const isRestricted =
        fate.keptKeys !== undefined && fate.keptKeys < (keyCounts.get(fate.keyColumn ?? '') ?? Infinity);
      this.report.noteBlock(fate, isTracked, isRestricted);
    }
  }
}

function problemOf(direct: Outcome, attempt: Attempt): Problem | undefined {
  const found = difference(direct, attempt.outcome);
  // A statement near the time limit is no evidence of anything.
  if (found === undefined || isTimeout(attempt.outcome)) return undefined;
  return { difference: found, sent: attempt.text ?? '(as it was written)' };
}

function isTimeout(outcome: Outcome): boolean {
  return outcome.kind === 'error' && outcome.sqlState === '57014';
}

/** Ternary logic partitioning: Q against Q WHERE p, Q WHERE NOT p and Q WHERE p IS NULL, all three through the subject. */
async function partedProblem(
  subject: Subject,
  statement: Statement,
  sending: Sending,
  direct: Outcome,
  compared: () => void,
): Promise<Problem | undefined> {
  const rows: string[] = [];
  const sent: string[] = [];
  for (const part of partsOf(statement) ?? []) {
    const query = runnable(part, sending);
    const { outcome, text } = await subject.through(query, 'alone');
    // The condition may be one that is refused, or fails on some row.
    if (outcome.kind === 'error')
      return hasLostConnection(outcome)
        ? { difference: outcome.message, sent: text ?? query.text }
        : undefined;
    for (const row of outcome.rows) rows.push(row);
    sent.push(text ?? query.text);
  }
  if (sent.length === 0) return undefined;
  compared();
  const found = difference(direct, { kind: 'rows', rows });
  return found === undefined
    ? undefined
    : { difference: `in three parts: ${found}`, sent: sent.join('\n           ') };
}

/** Everything needed to make a test of it; smaller, if it also fails with nothing else known. */
async function explain(
  { seed, schemaNumber, schema, subject }: OracleRun,
  number: number,
  statement: Statement,
  sending: Sending,
  { difference: found, sent }: Problem,
): Promise<string> {
  const failsAlone = async (candidate: Statement): Promise<Problem | undefined> => {
    const query = runnable(candidate, sending);
    await subject.forget();
    const direct = await subject.direct(query, 'alone');
    await subject.learn(query);
    for (const place of ['alone', 'in transaction'] as const) {
      const problem = problemOf(direct, await subject.through(query, place));
      if (problem !== undefined) return problem;
    }
    return direct.kind === 'rows'
      ? partedProblem(subject, candidate, sending, direct, () => undefined)
      : undefined;
  };
  const alone = await failsAlone(statement);
  const smallest =
    alone === undefined
      ? statement
      : await shrink(statement, async (candidate) => (await failsAlone(candidate)) !== undefined);
  const last = alone === undefined ? undefined : await failsAlone(smallest);
  const query = runnable(smallest, sending);
  return [
    `ORACLE_SEED=${seed}, schema ${schemaNumber}, statement ${number}: ${last?.difference ?? found}`,
    alone === undefined ? '(only together with what other statements have taught)' : '',
    `statement: ${[...query.before, query.text].join('; ')}`,
    query.values === undefined ? '' : `parameters: ${JSON.stringify(query.values)}`,
    `sent:      ${last?.sent ?? sent}`,
    `tracked:   ${JSON.stringify(
      schema.tracked.map(({ name, datatype, tables, fragments }) => [name, datatype, tables, fragments]),
      (_, value: unknown) => (value instanceof Map ? [...(value as Map<string, unknown>)] : value),
    )}`,
  ]
    .filter((line) => line !== '')
    .join('\n');
}
