import type { DatabaseStatements, StatementShape, StatementTotals, TimeSaved } from './statement-statistics';

type OutcomeCounts = Omit<StatementTotals, keyof TimeSaved>;

export const nothing: StatementTotals = {
  ...{ hits: 0, partials: 0, misses: 0, bypasses: 0, fallbacks: 0, failures: 0 },
  ...{ savedMs: 0, lostMs: 0 },
};

export function sumTotals(all: readonly StatementTotals[]): StatementTotals {
  return all.reduce(
    (sum, each) => ({
      ...sumCounts(sum, each),
      savedMs: sum.savedMs + each.savedMs,
      lostMs: sum.lostMs + each.lostMs,
    }),
    nothing,
  );
}

function sumCounts(a: OutcomeCounts, b: OutcomeCounts): OutcomeCounts {
  return {
    hits: a.hits + b.hits,
    partials: a.partials + b.partials,
    misses: a.misses + b.misses,
    bypasses: a.bypasses + b.bypasses,
    fallbacks: a.fallbacks + b.fallbacks,
    failures: a.failures + b.failures,
  };
}

/** What several processes know of statements, by database and shape. */
export function mergeStatements(all: readonly DatabaseStatements[]): readonly DatabaseStatements[] {
  return [...groupBy(all, ({ database }) => database)].map(([database, each]) => ({
    database,
    totals: sumTotals(each.map(({ totals }) => totals)),
    shapes: [
      ...groupBy(
        each.flatMap(({ shapes }) => shapes),
        ({ fingerprint }) => fingerprint,
      ).values(),
    ].map((shapes) => shapes.reduce(mergeShapes)),
  }));
}

/** Counts and sums add up. Of the medians the one that stands for more runs is kept: there is none of both together. */
function mergeShapes(a: StatementShape, b: StatementShape): StatementShape {
  return {
    fingerprint: a.fingerprint,
    text: a.text,
    calls: a.calls + b.calls,
    ...sumCounts(a, b),
    directRuns: a.directRuns + b.directRuns,
    directMs: a.directRuns < b.directRuns ? b.directMs : a.directMs,
    totalDirectMs: a.totalDirectMs + b.totalDirectMs,
    restrictedRuns: a.restrictedRuns + b.restrictedRuns,
    restrictedMs: a.restrictedRuns < b.restrictedRuns ? b.restrictedMs : a.restrictedMs,
    totalRestrictedMs: a.totalRestrictedMs + b.totalRestrictedMs,
    savedMs: a.savedMs + b.savedMs,
    lastReason: a.lastReason ?? b.lastReason,
  };
}

function groupBy<T>(all: readonly T[], nameOf: (thing: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const each of all) {
    const group = groups.get(nameOf(each)) ?? [];
    group.push(each);
    groups.set(nameOf(each), group);
  }
  return groups;
}
