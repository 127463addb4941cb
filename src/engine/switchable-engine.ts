import type { Completion, Engine, InspectedStatement, Plan, PlanRequest, ReadContext } from './engine';
import type { Explanation } from './explain/explanation';

/** What sessions and others ask of an engine, and what tells of its troubles. */
export interface SwitchedEngine extends Engine {
  readonly trouble: string | undefined;
}

/**
 * The engine of a database as sessions see it, who keep it for as long as they are open: behind it another one may take over at any moment, or none, which
 * forwards everything. Statements that were inspected by one may be planned by the next, for all engines of a database read the same server.
 */
export class SwitchableEngine implements Engine {
  #current: SwitchedEngine | undefined;
  /** The last one there was: a session may still wait for an answer that it reads. */
  #reader: SwitchedEngine | undefined;

  constructor(readonly contextQuery: string) {}

  /** The caller owns what is switched to, and what was switched from. */
  switchTo(engine: SwitchedEngine | undefined): void {
    this.#current = engine;
    this.#reader = engine ?? this.#reader;
  }

  get trouble(): string | undefined {
    return this.#current?.trouble;
  }

  get isContextWanted(): boolean {
    return this.#current?.isContextWanted === true;
  }

  inspect(text: string): InspectedStatement {
    return this.#current?.inspect(text) ?? { text, isCandidate: false, leavesContextAlone: false };
  }

  plan(request: PlanRequest): Plan | Promise<Plan> {
    return this.#current?.plan(request) ?? { kind: 'forward', reason: 'switched off' };
  }

  explain(request: PlanRequest): Promise<Explanation> {
    const none: Explanation = {
      ...{ mode: 'off', reason: 'switched off', fingerprint: undefined, coverage: undefined },
      ...{ blocks: [], restricted: undefined },
    };
    return this.#current?.explain(request) ?? Promise.resolve(none);
  }

  completed(completion: Completion): { readonly wantsContext: boolean } {
    return this.#current?.completed(completion) ?? { wantsContext: false };
  }

  catalogChanged(): void {
    this.#current?.catalogChanged();
  }

  readContext(row: readonly (string | null)[]): ReadContext {
    if (this.#reader === undefined) throw new Error('a context was asked for with no engine there');
    return this.#reader.readContext(row);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // What is behind it is the caller's.
  }
}
