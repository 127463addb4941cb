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

/**
 * What is wrong with a text, beyond what `parseMetrics` refuses: samples of a metric that was not announced above them, counters
 * that are negative, histograms whose buckets do not grow or do not end in their count.
 */
export function malformedMetrics(text: string): readonly string[] {
  const types = new Map(
    [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => [name, type]),
  );
  const samples = parseMetrics(text);
  const last = new Map<string, number>();
  return [...samples].flatMap(([series, value]) => {
    const [, name = '', labels = ''] = /^([^{]+)(?:\{(.*)\})?$/.exec(series) ?? [];
    const histogram = name.replace(/_(bucket|sum|count)$/, '');
    const type = types.get(name) ?? types.get(histogram);
    if (type === undefined) return [`${series} was not announced`];
    if (type === 'counter' && value < 0) return [`${series} is negative`];
    if (type !== 'histogram') return [];
    const own = `${histogram}{${labels.replace(/(^|,)le="[^"]*"/, '').replace(/^,/, '')}}`;
    const before = last.get(own) ?? 0;
    if (name.endsWith('_bucket')) last.set(own, value);
    if (name.endsWith('_bucket') && value < before) return [`${series} is less than the one before`];
    return name.endsWith('_count') && value !== before ? [`${series} is not that of its buckets`] : [];
  });
}
