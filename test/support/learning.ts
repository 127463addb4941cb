import { parseMetrics } from './prometheus-text';

/** Whether the proxy still has fragments to run; the metrics tell. */
export async function isLearning(adminUrl: string): Promise<boolean> {
  const response = await fetch(`${adminUrl}/metrics`);
  if (!response.ok) throw new Error(`${adminUrl}/metrics answered ${response.status}`);
  const metrics = parseMetrics(await response.text());
  const busy = [
    'pcache_population_running',
    'pcache_queue_length{state="waiting"}',
    'pcache_queue_length{state="running"}',
  ];
  return busy.some((series) => {
    const value = metrics.get(series);
    if (value === undefined) throw new Error(`the proxy has no metric ${series}`);
    return value > 0;
  });
}
