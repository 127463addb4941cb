import {
  type Completion,
  type Engine,
  type InspectedStatement,
  type Plan,
  type PlanRequest,
  type ReadContext,
} from '../../src/engine/engine';
import { type Explanation } from '../../src/engine/explain/explanation';
import { type Insertion } from '../../src/query/rewrite/insertion';
import { type KeyTable } from '../../src/query/rewrite/key-table';

export interface ScriptedPlan {
  readonly text: string;
  /** By default none: positions are then those in `text`. */
  readonly insertions?: readonly Insertion[];
  readonly parameterOids?: readonly number[];
  readonly mustRetryOnError?: boolean;
  readonly isCertainAtFirstRow?: boolean;
  /** By default it may. */
  readonly mayRunTwice?: boolean;
  /** By default the text is sent as a text each time. */
  readonly lastsWith?: object;
  /** Temporary tables that `text` reads. */
  readonly tables?: readonly KeyTable[];
  /** For explanations: whether it may be measured; by default it may. */
  readonly isReadOnly?: boolean;
  /** Plan with the context only, as the real engine does. */
  readonly needsContext?: boolean;
  /** Answer with a promise that waits for this. */
  readonly after?: () => Promise<void>;
}

/** Texts that do nothing to the session; candidates are among them. */
const quiet = /^\s*(select|with|values|explain)\b/i;

/**
 * An engine that does as it is told: certain texts are sent as certain other texts. What the proxy promises the engine, and
 * what it tells it, can be checked without anything being learned or cached.
 */
export class ScriptedEngine implements Engine {
  readonly plans = new Map<string, ScriptedPlan>();
  readonly requests: PlanRequest[] = [];
  readonly completions: Completion[] = [];
  readonly contextReads: ReadContext[] = [];
  catalogChanges = 0;
  wantsContext = false;
  isContextWanted = false;
  /** What `plan` throws, if it does. */
  failure: Error | undefined;

  contextQuery = `select pg_catalog.current_setting('search_path'),
    (select statement from pg_catalog.pg_prepared_statements where name = $1)`;

  inspect(text: string): InspectedStatement {
    return {
      text,
      isCandidate: this.plans.has(text),
      leavesContextAlone: quiet.test(text) && !/set_config|pg_sleep|forget|\binto\b/.test(text),
    };
  }

  plan(request: PlanRequest): Plan | Promise<Plan> {
    this.requests.push(request);
    if (this.failure !== undefined) throw this.failure;
    const script = this.plans.get(request.statement.text);
    if (script === undefined) return { kind: 'forward', reason: 'nothing scripted' };
    const { text, insertions = [], parameterOids = [], mustRetryOnError = false, after, tables } = script;
    if (script.needsContext === true && !request.isContextCertain) return { kind: 'needsContext' };
    if (tables !== undefined && request.canMakeTables !== true)
      return { kind: 'forward', reason: 'nothing scripted' };
    const plan: Plan = {
      kind: 'rewrite',
      text,
      insertions,
      blocks: [],
      parameterOids,
      coverage: 'full',
      mustRetryOnError,
      isCertainAtFirstRow: script.isCertainAtFirstRow === true,
      mayRunTwice: script.mayRunTwice !== false,
      restriction: {
        method: 'inline',
        columns: [],
        isGuarded: false,
        keysKept: 1,
        totalKeys: undefined,
        lacksTables: false,
        why: 'only',
      },
      ...(script.lastsWith === undefined ? {} : { lastsWith: script.lastsWith }),
      ...(tables === undefined ? {} : { tables }),
      memo: undefined,
    };
    return after === undefined ? plan : after().then(() => plan);
  }

  /** An explanation as good as its plan. */
  async explain(request: PlanRequest): Promise<Explanation> {
    this.requests.push(request);
    if (this.failure !== undefined) throw this.failure;
    const script = this.plans.get(request.statement.text);
    await script?.after?.();
    const nothing = { mode: 'on', fingerprint: undefined, coverage: undefined, blocks: [] } as const;
    if (script === undefined) return { ...nothing, reason: 'nothing scripted', restricted: undefined };
    const { text, insertions = [], parameterOids = [], mustRetryOnError = false, isReadOnly = true } = script;
    const form = { text, insertions, parameterOids, tables: [], mayRaise: mustRetryOnError, isReadOnly };
    return {
      ...nothing,
      reason: request.isContextCertain ? undefined : 'context uncertain',
      restricted: { ...form, method: 'scripted', why: 'the script says so' },
    };
  }

  completed(completion: Completion): { readonly wantsContext: boolean } {
    this.completions.push(completion);
    return { wantsContext: this.wantsContext && !completion.isContextCertain };
  }

  catalogChanged(): void {
    this.catalogChanges++;
  }

  readContext(row: readonly (string | null)[]): ReadContext {
    const [searchPath = null, preparedText = null, serverProcessId, preparedTypes] = row;
    const read: ReadContext = {
      context: {
        id: searchPath ?? '',
        searchPath: (searchPath ?? '').split(', '),
        temporaryRelations: new Set(),
        userName: '',
        clientEncoding: 'UTF8',
        settings: {},
        mode: undefined,
        ...(serverProcessId === undefined
          ? {}
          : { canMakeTables: true, serverProcessId: Number(serverProcessId) }),
      },
      preparedText: preparedText ?? undefined,
      preparedTypes: preparedTypes?.split(' ').map(Number),
    };
    this.contextReads.push(read);
    return read;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Nothing is held.
  }
}
