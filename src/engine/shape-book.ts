import type { Catalog } from '../query/catalog/catalog';
import { BoundedMap } from './bounded-map';
import type { EngineLog } from './engine-events';
import type { SessionContext } from './session-context';
import type { Shape, ShapeChecker } from './shape-checker';

/** A statement whose shape is asked for. */
export interface ShapeQuestion {
  /** Equal for texts that the server judges alike. */
  readonly key: string;
  readonly text: string;
  /** As in a Parse message: 0 leaves a type to the server. */
  readonly parameterOids: readonly number[];
  readonly context: SessionContext;
  readonly catalog: Catalog;
  /** Whether its cost is of interest as well. */
  readonly wantsCost?: boolean;
}

const maxShapes = 5_000;
const notChecked: Shape = { isValid: false, reason: 'not checked' };

/** Remembers what the server made of statements. Nobody waits for it: a statement of unknown shape is forwarded meanwhile. */
export class ShapeBook {
  readonly #shapes = new BoundedMap<string, Shape>(maxShapes);
  readonly #asked = new Map<string, Promise<Shape>>();
  /** An answer to a question from before the catalog changed is not kept. */
  #generation = 0;
  #isStopped = false;

  constructor(
    private readonly checker: ShapeChecker,
    private readonly log: EngineLog,
  ) {}

  /** Whether the server took a text that it judges like all of this key. */
  isTaken(key: string): boolean {
    return this.#shapes.get(key)?.isValid === true;
  }

  /** What the server expects a text of this key to cost, in its planner's units; undefined if it is not known. */
  cost(key: string): number | undefined {
    const shape = this.#shapes.get(key);
    return shape?.isValid === true ? shape.cost : undefined;
  }

  /** What is known; if nothing is, the server is asked in the background. */
  lookUp(question: ShapeQuestion): Shape | undefined {
    const known = this.known(question);
    if (known === undefined) void this.ask(question);
    return known;
  }

  /** Resolves when the server has answered; a server that cannot be reached counts as a no, and is asked again the next time. */
  ask(question: ShapeQuestion): Promise<Shape> {
    const known = this.known(question);
    if (known !== undefined) return Promise.resolve(known);
    if (this.#isStopped) return Promise.resolve(notChecked);
    const asked = this.#asked.get(refusalKey(question)) ?? this.#askServer(question);
    this.#asked.set(refusalKey(question), asked);
    return asked;
  }

  /**
   * A yes holds for all texts that the server judges alike; a no only for the very text: what was wrong may be in the client's own
   * part of it, such as `ORDER BY 9`, and must not count against others' statements.
   */
  known(question: ShapeQuestion): Shape | undefined {
    return this.#shapes.get(question.key) ?? this.#shapes.get(refusalKey(question));
  }

  /** The catalog changed: what the server said may not hold any more. */
  clear(): void {
    this.#generation++;
    this.#shapes.clear();
    this.#asked.clear();
  }

  /** The server is asked nothing more; that it cannot be is not worth a word. */
  stop(): void {
    this.#isStopped = true;
  }

  async #askServer(question: ShapeQuestion): Promise<Shape> {
    const { key, text, parameterOids, context, catalog, wantsCost } = question;
    const generation = this.#generation;
    try {
      const shape = await this.checker.check(text, parameterOids, context, catalog, wantsCost);
      if (generation === this.#generation)
        this.#shapes.set(shape.isValid ? key : refusalKey(question), shape);
      if (!shape.isValid)
        this.log.warn({ reason: shape.reason }, 'the server does not take a statement; it is left alone');
      return shape;
    } catch (error) {
      if (!this.#isStopped)
        this.log.warn({ err: error }, 'a statement could not be checked; it is left alone');
      return notChecked;
    } finally {
      if (generation === this.#generation) this.#asked.delete(refusalKey(question));
    }
  }
}

function refusalKey({ key, text }: ShapeQuestion): string {
  return `${key}\0${text}`;
}
