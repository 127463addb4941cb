/** One series of a metric, as prom-client gives it. */
export interface Series {
  readonly metric: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

/** The values of some metrics at one moment. What was never counted is 0. */
export class MetricReading {
  constructor(private readonly series: readonly Series[]) {}

  /** The sum of all series of a metric that have these labels. */
  sum(metric: string, labels: Readonly<Record<string, string>> = {}): number {
    return this.#of(metric, labels).reduce((sum, { value }) => sum + value, 0);
  }

  /** undefined if there is no series. */
  max(metric: string, labels: Readonly<Record<string, string>> = {}): number | undefined {
    const values = this.#of(metric, labels).map(({ value }) => value);
    return values.length === 0 ? undefined : Math.max(...values);
  }

  /** Sums by the values of a label, largest first; series without it are left out. */
  by(
    metric: string,
    label: string,
    labels: Readonly<Record<string, string>> = {},
  ): readonly (readonly [string, number])[] {
    const sums = new Map<string, number>();
    for (const each of this.#of(metric, labels)) {
      const of = each.labels[label];
      if (of !== undefined) sums.set(String(of), (sums.get(String(of)) ?? 0) + each.value);
    }
    return [...sums].sort(([, a], [, b]) => b - a);
  }

  /** Of a histogram, all its series together, linear within a bucket, as Prometheus does; undefined if nothing was observed. */
  quantile(metric: string, share: number): number | undefined {
    const buckets = this.by(`${metric}_bucket`, 'le')
      .map(([le, count]) => ({ upper: le === '+Inf' ? Infinity : Number(le), count }))
      .sort((a, b) => a.upper - b.upper);
    const wanted = (buckets.at(-1)?.count ?? 0) * share;
    if (wanted === 0) return undefined;
    const at = buckets.findIndex(({ count }) => count >= wanted);
    const { upper, count } = buckets[at] ?? { upper: Infinity, count: 0 };
    const { upper: lower, count: below } = buckets[at - 1] ?? { upper: 0, count: 0 };
    return upper === Infinity ? lower : lower + ((upper - lower) * (wanted - below)) / (count - below);
  }

  #of(metric: string, labels: Readonly<Record<string, string>>): readonly Series[] {
    const wanted = Object.entries(labels);
    return this.series.filter(
      (each) => each.metric === metric && wanted.every(([label, value]) => each.labels[label] === value),
    );
  }
}
