import type { Engine, InspectedStatement, Plan, PlanRequest, ReadContext } from '../../src/engine/engine';
import type { Explanation } from '../../src/engine/explain/explanation';
import type { SqlText } from '../../src/query/ast/quote';
import { keyTable, rowsOfArray } from '../../src/query/rewrite/key-table';
import type { Random } from '../oracle/random';

/** Means nothing to the server. */
const whim = ' /* whim */ ';

/**
 * An engine that decides by chance, in all the ways there are: now or later, with the context or without, to be run again on an
 * error or not. The text it puts in a statement's place means the same.
 */
export class WhimsicalEngine implements Engine {
  readonly contextQuery = `select pg_catalog.current_setting('search_path'),
    (select statement from pg_catalog.pg_prepared_statements where name = $1),
    pg_catalog.pg_backend_pid()`;

  /** @param candidates which texts it takes an interest in */
  constructor(
    private readonly random: Random,
    private readonly candidates: RegExp,
  ) {}

  get isContextWanted(): boolean {
    return this.random.chance(0.5);
  }

  inspect(text: string): InspectedStatement {
    const isCandidate = this.candidates.test(text);
    return { text, isCandidate, leavesContextAlone: isCandidate && !/\bset_config\b|\binto\b/i.test(text) };
  }

  plan(request: PlanRequest): Plan | Promise<Plan> {
    const { random } = this;
    if (!request.isContextCertain && random.chance(0.3)) return { kind: 'needsContext' };
    const plan = this.decide(request);
    if (random.chance(0.7)) return plan;
    return random.chance(0.5)
      ? Promise.resolve(plan)
      : new Promise((resolve) => setImmediate(() => resolve(plan)));
  }

  async explain({ statement, parameters }: PlanRequest): Promise<Explanation> {
    const { random } = this;
    const nothing = { mode: 'on', fingerprint: undefined, coverage: undefined, blocks: [] } as const;
    if (random.chance(0.3)) return { ...nothing, reason: 'whim', restricted: undefined };
    const restricted = {
      text: statement.text + whim,
      insertions: [],
      parameterOids: parameters?.declaredOids ?? [],
      tables: [],
      method: 'whim',
      why: 'whim',
      mayRaise: random.chance(0.5),
      isReadOnly: random.chance(0.5),
    };
    return { ...nothing, reason: undefined, restricted };
  }

  completed(): { readonly wantsContext: boolean } {
    return { wantsContext: this.random.chance(0.2) };
  }

  catalogChanged(): void {
    // Nothing is remembered.
  }

  readContext([searchPath = null, preparedText = null, serverProcessId = null]: readonly (
    string | null
  )[]): ReadContext {
    return {
      context: {
        id: searchPath ?? '',
        searchPath: (searchPath ?? '').split(', '),
        temporaryRelations: new Set(),
        userName: '',
        clientEncoding: 'UTF8',
        settings: {},
        mode: undefined,
        canMakeTables: true,
        serverProcessId: Number(serverProcessId),
      },
      preparedText: preparedText ?? undefined,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Nothing is held.
  }

  private decide({ statement, parameters, canRetry, canMakeTables }: PlanRequest): Plan {
    const { random } = this;
    if (random.chance(0.3)) return { kind: 'forward', reason: 'whim' };
    const oids = parameters?.declaredOids ?? [];
    // Behind the client's text, or before it, where positions in errors have to be mapped back.
    const isBefore = random.chance(0.5);
    const at = isBefore ? 0 : Buffer.byteLength(statement.text);
    const mustRetryOnError = canRetry && random.chance(0.5);
    // A table that nothing reads, in the statements that may have one.
    const hasTable = canMakeTables === true && random.chance(0.7);
    const mayBeKept =
      canRetry && !hasTable && parameters === undefined && /^\s*select\b/i.test(statement.text);
    const array = "'{1,2,3}'::pg_catalog.int8[]" as SqlText;
    return {
      kind: 'rewrite',
      text: isBefore ? `${whim}${statement.text}` : `${statement.text}${whim}`,
      insertions: [{ at, text: whim }],
      blocks: [],
      parameterOids: parameters?.values.map((_, i) => oids[i] ?? 0) ?? [],
      coverage: 'full',
      mustRetryOnError,
      // The whim changes nothing about what fails.
      isCertainAtFirstRow: random.chance(0.5),
      mayRunTwice: random.chance(0.5),
      restriction: {
        method: 'inline',
        columns: [],
        isGuarded: false,
        keysKept: 1,
        totalKeys: undefined,
        lacksTables: false,
        why: 'only',
      },
      ...(hasTable ? { tables: [keyTable('pcache_whim', rowsOfArray(array), random.chance(0.5))] } : {}),
      ...(mayBeKept && random.chance(0.7) ? { lastsWith: this } : {}),
      memo: undefined,
    };
  }
}
