import { Column } from './column';

/** `xmin:xmax:` without transactions in progress in between, which is what an idle server says. */
const plain = /^([1-9]\d{0,15}):([1-9]\d{0,15}):$/;
/** In `#spans`: there is no snapshot, or it is one of the other texts. */
const absent = 0xffff_ffff;
const other = 0xffff_fffe;

/** Snapshots as text, of which the plain ones take 12 bytes. */
export class SnapshotColumn {
  readonly #lowest = new Column(Float64Array);
  /** xmax - xmin. */
  readonly #spans = new Column(Uint32Array);
  readonly #others = new Map<number, string>();

  get(row: number): string | undefined {
    const span = this.#spans.get(row);
    if (span === absent) return undefined;
    if (span === other) return this.#others.get(row);
    const lowest = this.#lowest.get(row);
    return `${lowest}:${lowest + span}:`;
  }

  set(row: number, snapshot: string | undefined): void {
    if (this.#others.size > 0) this.#others.delete(row);
    const [, xmin, xmax] = (snapshot === undefined ? undefined : plain.exec(snapshot)) ?? [];
    const [lowest, span] = [Number(xmin), Number(xmax) - Number(xmin)];
    const isPlain = span >= 0 && span < other && Number.isSafeInteger(Number(xmax));
    this.#lowest.set(row, isPlain ? lowest : 0);
    this.#spans.set(row, isPlain ? span : snapshot === undefined ? absent : other);
    if (!isPlain && snapshot !== undefined) this.#others.set(row, snapshot);
  }
}
