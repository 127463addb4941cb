import {
  AggregatorRegistry,
  type MetricObjectWithValues,
  type MetricValue,
  type MetricValueWithName,
  type Registry,
} from 'prom-client';

/** A metric and its values, as it goes from one process to another. */
export type MetricReport = MetricObjectWithValues<MetricValue<string> | MetricValueWithName<string>>;

/** The metrics of several processes as if they were one's; of what is the same for all, the first one's. */
export function aggregate(reports: readonly (readonly MetricReport[])[]): Registry {
  return AggregatorRegistry.aggregate(reports.map((report) => [...report]));
}

/** What of metrics holds when the processes they are of have ended: what was counted, summed up. */
export async function lasting(
  reports: readonly (readonly MetricReport[])[],
): Promise<readonly MetricReport[]> {
  const counted = reports.map((report) =>
    report.filter(({ type }) => ['counter', 'histogram'].includes(String(type))),
  );
  return await aggregate(counted).getMetricsAsJSON();
}
