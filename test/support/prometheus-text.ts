/**
 * The samples of a text in Prometheus' exposition format by series, such as `pcache_statements_total{outcome="hit"}`.
 * Strict: a line that is neither a comment nor a sample, or a series that stands there twice, is an error.
 * https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
 */
export function parseMetrics(text: string): ReadonlyMap<string, number> {
  if (text !== '' && !text.endsWith('\n')) throw new Error('the last line has no end');
  const samples = new Map<string, number>();
  for (const line of text.split('\n')) {
    if (line === '' || /^# (HELP|TYPE) \S+ \S/.test(line)) continue;
    const match = /^([a-zA-Z_:][\w:]*(?:\{(?:[a-zA-Z_]\w*="(?:[^"\\]|\\.)*",?)*\})?) (\S+)$/.exec(line);
    if (match === null) throw new Error(`not a sample: ${line}`);
    const [, series = '', value = ''] = match;
    if (samples.has(series)) throw new Error(`twice: ${series}`);
    samples.set(series, value === '+Inf' ? Infinity : value === 'Nan' ? NaN : Number(value));
  }
  return samples;
}
