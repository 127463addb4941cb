import type { BlockFate } from './restricted-blocks';

/** Something that was counted, and how much of it was restricted. */
interface Tally {
  all: number;
  restricted: number;
}

/** What a run of the oracle has seen. */
export class OracleReport {
  statements = 0;
  /** Texts that were compared: each statement is sent several times, in several situations. */
  comparisons = 0;
  rewrites = 0;
  fallbacks = 0;
  kept = 0;
  parted = 0;
  timeouts = 0;
  invalid = 0;
  readonly #failures: string[] = [];
  /** Statements that were restricted at some point, by form and by how they were sent. */
  readonly #forms = new Map<string, Tally>();
  readonly #sendings = new Map<string, Tally>();
  /** Blocks of valid statements of which all was learned. */
  readonly #blocks: Tally = { all: 0, restricted: 0 };
  readonly #trackedBlocks: Tally = { all: 0, restricted: 0 };
  readonly #conditions = new Map<string, Tally>();
  /** Errors of the server, and reasons for leaving a statement as it is, with how often they came. */
  readonly #sqlStates = new Map<string, Tally>();
  readonly #reasons = new Map<string, Tally>();

  /** @param failed is told of each difference at once: a long run may not get to its end */
  constructor(private readonly failed: (failure: string) => void = () => undefined) {}

  /** What differed, each with how to have it again. */
  get failures(): readonly string[] {
    return this.#failures;
  }

  noteFailure(failure: string): void {
    this.#failures.push(failure);
    this.failed(failure);
  }

  /** Share of statements that were restricted. */
  get share(): number {
    const { all, restricted } = sum(this.#forms.values());
    return all === 0 ? 0 : restricted / all;
  }

  /** Share of blocks that were restricted to fewer than all keys, of statements all of which was learned. */
  get blockShare(): number {
    return this.#blocks.all === 0 ? 0 : this.#blocks.restricted / this.#blocks.all;
  }

  noteStatement(form: string, sending: string, isRestricted: boolean): void {
    this.statements++;
    tally(this.#forms, form, isRestricted);
    tally(this.#sendings, sending, isRestricted);
  }

  noteError(sqlState: string): void {
    tally(this.#sqlStates, sqlState, false);
  }

  noteReason(reason: string): void {
    tally(this.#reasons, reason, false);
  }

  noteBlock({ conditionKinds }: BlockFate, isTracked: boolean, isRestricted: boolean): void {
    for (const blocks of isTracked ? [this.#blocks, this.#trackedBlocks] : [this.#blocks])
      add(blocks, isRestricted);
    if (isTracked) for (const kind of conditionKinds) tally(this.#conditions, kind, isRestricted);
  }

  /** One line, of numbers that those of another run can be added to. */
  get progress(): string {
    return (
      `${this.statements} statements, ${this.comparisons} comparisons, ${this.#failures.length} differences, ` +
      `${this.rewrites} restricted runs, blocks restricted ${shares(this.#blocks)}`
    );
  }

  toString(): string {
    return [
      `${this.statements} statements, ${this.comparisons} comparisons (${this.parted} statements also in three parts; ` +
        `${this.invalid} statements the server refuses, ${this.timeouts} given up as too slow), ${this.#failures.length} differences`,
      `${percent(this.share)} of the statements restricted at some point; ${this.rewrites} restricted runs, ${this.kept} of them by a kept plan; ${this.fallbacks} fell back`,
      ...(this.#blocks.all === 0
        ? []
        : [
            `${shares(this.#blocks)} of the blocks restricted to fewer than all keys, ${shares(this.#trackedBlocks)} of those over tracked tables, where all was learned`,
          ]),
      `by form: ${tallies(this.#forms)}`,
      `by protocol: ${tallies(this.#sendings)}`,
      `by condition of the block: ${tallies(this.#conditions)}`,
      `not restricted: ${counts(this.#reasons)}`,
      `errors: ${counts(this.#sqlStates)}`,
    ].join('\n');
  }
}

function add(to: Tally, isRestricted: boolean): void {
  to.all++;
  if (isRestricted) to.restricted++;
}

function tally(map: Map<string, Tally>, name: string, isRestricted: boolean): void {
  const known = map.get(name) ?? { all: 0, restricted: 0 };
  add(known, isRestricted);
  map.set(name, known);
}

function sum(items: Iterable<Tally>): Tally {
  const total: Tally = { all: 0, restricted: 0 };
  for (const { all, restricted } of items) {
    total.all += all;
    total.restricted += restricted;
  }
  return total;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function shares({ all, restricted }: Tally): string {
  return `${percent(restricted / Math.max(1, all))} (${restricted} of ${all})`;
}

function mostFirst(map: ReadonlyMap<string, Tally>): readonly (readonly [string, Tally])[] {
  return [...map].sort(([, a], [, b]) => b.all - a.all);
}

function tallies(map: ReadonlyMap<string, Tally>): string {
  return mostFirst(map)
    .map(([name, item]) => `${name} ${Math.round((100 * item.restricted) / item.all)} % of ${item.all}`)
    .join(', ');
}

function counts(map: ReadonlyMap<string, Tally>): string {
  return mostFirst(map)
    .map(([name, { all }]) => `${name} ${all}`)
    .join(', ');
}
