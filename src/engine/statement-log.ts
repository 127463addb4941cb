import { redact } from '../query/ast/redact';
import { scanTokens } from '../query/ast/scan';
import type { CandidateStatement } from './candidate-statement';
import type { BoundParameters, Completion } from './engine';
import type { EngineLog } from './engine-events';

/** Which executions are written to the log. */
export interface StatementLogOptions {
  /** Those that take as long, in milliseconds. 0: none. */
  readonly slowMs: number;
  /** Share of those that were restricted. */
  readonly rewriteShare: number;
  /** Whether texts may be written with their values. */
  readonly maySayValues: boolean;
  /** From 0 to 1, below 1. */
  readonly random?: () => number;
}

export const logsNothing: StatementLogOptions = { slowMs: 0, rewriteShare: 0, maySayValues: false };

/** What is taken of a statement. */
type LoggedStatement = Pick<CandidateStatement, 'fingerprint' | 'text' | 'tokens'>;

/** Of a text, in characters. */
const maxTextLength = 4_000;

/** Writes executions of candidates to the log that are slow, and a sample of those that were restricted. */
export class StatementLog {
  readonly #random: () => number;

  constructor(
    private readonly options: StatementLogOptions,
    private readonly log: EngineLog,
  ) {
    this.#random = options.random ?? Math.random;
  }

  /**
   * An execution is over. On the data path: what is not written costs two comparisons.
   *
   * @param savedMs as ShapeStatistics tells it
   */
  noted(statement: LoggedStatement, completion: Completion, savedMs: number | undefined): void {
    const { slowMs, rewriteShare } = this.options;
    if (slowMs > 0 && completion.elapsedMs >= slowMs)
      this.log.info(this.#fields(statement, completion, savedMs), 'slow statement');
    if (completion.plan.kind === 'rewrite' && rewriteShare > 0 && this.#random() < rewriteShare)
      this.log.info(this.#fields(statement, completion, savedMs), 'statement rewritten');
  }

  #fields(
    { fingerprint, tokens, text }: LoggedStatement,
    { plan, elapsedMs, isTimed, outcome, givenUpFor, parameters }: Completion,
    savedMs: number | undefined,
  ): object {
    const { maySayValues } = this.options;
    const isRewrite = plan.kind === 'rewrite';
    return {
      ...{ fingerprint, elapsedMs, outcome },
      // Its time is not its own alone.
      ...(isTimed ? { savedMs } : { isPipelined: true }),
      ...(isRewrite ? { ...plan.restriction, coverage: plan.coverage, givenUpFor } : { reason: plan.reason }),
      query: redact(tokens, maxTextLength),
      ...(isRewrite ? { rewritten: redact(scanTokens(plan.text), maxTextLength) } : {}),
      ...(maySayValues ? { sql: shortened(text), parameters: parametersOf(parameters) } : {}),
      ...(maySayValues && isRewrite ? { sent: { sql: shortened(plan.text) } } : {}),
    };
  }
}

function shortened(text: string): string {
  return text.length <= maxTextLength ? text : `${text.slice(0, maxTextLength)}…`;
}

/** Values in text format as they are, others in hexadecimal. */
function parametersOf(parameters: BoundParameters | undefined): readonly (string | null)[] | undefined {
  return parameters?.values.map((value, i) => {
    if (value === null) return null;
    const format = parameters.formats[parameters.formats.length === 1 ? 0 : i] ?? 0;
    return shortened(format === 0 ? value.toString() : `\\x${value.toString('hex')}`);
  });
}
