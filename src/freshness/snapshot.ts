/** A `pg_snapshot`: transactions below xmin are over, those from xmax on had not begun, and those listed were under way. */
interface Snapshot {
  readonly xmin: bigint;
  readonly xmax: bigint;
  readonly underWay: ReadonlySet<bigint>;
}

/**
 * A snapshot that sees a transaction only if all of the given ones do: what an intersection of key sets is certain of. For one it is that
 * one. Throws if there are none.
 */
export function seenByAll(snapshots: readonly string[]): string {
  const all = snapshots.map(parseSnapshot);
  const xmax = extreme(all, ({ xmax }) => xmax, 'least');
  const underWay = new Set(all.flatMap((each) => [...each.underWay]));
  return render(xmax, underWay);
}

/** A snapshot that sees a transaction if any of the given ones does: what a statement's own snapshot must not lag behind. */
export function seenByAny(snapshots: readonly string[]): string {
  const all = snapshots.map(parseSnapshot);
  const xmax = extreme(all, ({ xmax }) => xmax, 'greatest');
  const unseen = (xid: bigint): boolean => all.every((each) => xid >= each.xmax || each.underWay.has(xid));
  const underWay = new Set(all.flatMap((each) => [...each.underWay]).filter(unseen));
  return render(xmax, underWay);
}

/** The oldest transaction that a snapshot may not have seen: the horizon of compaction is the least of those of all live entries. */
export function oldestUnseen(snapshot: string): bigint {
  return parseSnapshot(snapshot).xmin;
}

function parseSnapshot(text: string): Snapshot {
  const [, xmin, xmax, list = ''] = /^(\d+):(\d+):((?:\d+(?:,\d+)*)?)$/.exec(text) ?? [];
  if (xmin === undefined || xmax === undefined) throw new Error(`${JSON.stringify(text)} is no snapshot`);
  const underWay = new Set(list === '' ? [] : list.split(',').map(BigInt));
  return { xmin: BigInt(xmin), xmax: BigInt(xmax), underWay };
}

function extreme(
  all: readonly Snapshot[],
  value: (snapshot: Snapshot) => bigint,
  which: 'least' | 'greatest',
): bigint {
  const [first, ...rest] = all.map(value);
  if (first === undefined) throw new Error('no snapshot is given');
  return rest.reduce((best, each) => ((which === 'least' ? each < best : each > best) ? each : best), first);
}

/** pg_snapshot wants its list in order, and within xmin and xmax. */
function render(xmax: bigint, underWay: ReadonlySet<bigint>): string {
  const list = [...underWay].filter((xid) => xid < xmax).sort((a, b) => (a < b ? -1 : 1));
  return `${list[0] ?? xmax}:${xmax}:${list.join(',')}`;
}
