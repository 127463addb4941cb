import type { Directory } from '../cache/directory';
import type { Catalog } from '../query/catalog/catalog';
import type { PartitionKey } from '../query/partition-key';
import { BoundedMap } from './bounded-map';
import type { CandidateStatement } from './candidate-statement';
import { Decision, decisionKey, describing } from './decision';
import type { BoundParameters } from './engine';
import type { EngineEvents } from './engine-events';
import { readStatement, type Reading } from './reading';
import type { SessionContext } from './session-context';
import type { ShapeBook } from './shape-book';
import type { UnkeyedStatements } from './unkeyed-statements';

export interface DecisionBookOptions {
  readonly partitionKeys: readonly PartitionKey[];
  readonly directory: Directory;
  /** Where the types of parameters are asked for. */
  readonly shapes: ShapeBook;
  readonly unkeyed: UnkeyedStatements;
  readonly events: EngineEvents;
}

const maxBytes = 128 * 1024 * 1024;

/** Reads statements, and remembers what was decided of them until the directory or the catalog changes. */
export class DecisionBook {
  readonly #decisions = new BoundedMap<string, Decision>(maxBytes, ({ bytes }) => bytes);
  #version = 0;

  constructor(private readonly options: DecisionBookOptions) {}

  /** Another one whenever what was decided before has to be decided anew. */
  get version(): number {
    return this.#version;
  }

  /** What was decided by what the directory had before is decided anew. What was read stays. */
  directoryChanged(): void {
    this.#version++;
  }

  /** Nothing that was read holds any more. */
  clear(): void {
    this.#version++;
    this.#decisions.clear();
  }

  /** Whether it would take no time worth mentioning. */
  isDecided(
    statement: CandidateStatement,
    context: SessionContext,
    parameters: BoundParameters | undefined,
  ): boolean {
    return this.#decisions.get(decisionKey(statement, context, parameters))?.version === this.#version;
  }

  /** undefined if the statement's parameter types are not known yet. */
  decide(
    statement: CandidateStatement,
    context: SessionContext,
    catalog: Catalog,
    parameters: BoundParameters | undefined,
  ): Decision | undefined {
    const key = decisionKey(statement, context, parameters);
    const known = this.#decisions.get(key);
    if (known?.version === this.#version) return known;
    const reading = known?.reading ?? this.read(statement, context, catalog, parameters);
    return reading === undefined ? undefined : this.#decide(key, reading);
  }

  /** The same for one that was read. */
  ofReading(reading: Reading): Decision {
    const key = decisionKey(reading.statement, reading.context, reading.parameters);
    const known = this.#decisions.get(key);
    return known?.version === this.#version ? known : this.#decide(key, reading);
  }

  /** What a statement says; undefined if its parameter types are not known yet, which are then asked for. */
  read(
    statement: CandidateStatement,
    context: SessionContext,
    catalog: Catalog,
    parameters: BoundParameters | undefined,
  ): Reading | undefined {
    const { partitionKeys, events, shapes, unkeyed } = this.options;
    const readWith = (values: BoundParameters | undefined, oids: readonly number[]): Reading =>
      events.step('analyse', () => readStatement(statement, context, catalog, partitionKeys, values, oids));
    let reading: Reading;
    if (parameters === undefined || parameters.values.length === 0) {
      reading = readWith(undefined, []);
    } else {
      const shape = shapes.lookUp(describing(statement, context, catalog, parameters));
      if (shape?.isValid !== true) return undefined;
      reading = readWith(parameters, shape.parameterOids);
    }
    unkeyed.note(reading);
    return reading;
  }

  #decide(key: string, reading: Reading): Decision {
    const { directory, events } = this.options;
    const decision = events.step('look_up', () => new Decision(this.#version, reading, directory));
    this.#decisions.set(key, decision);
    return decision;
  }
}
