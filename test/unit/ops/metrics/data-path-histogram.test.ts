import { Histogram, Registry } from 'prom-client';
import { DataPathHistogram } from '../../../../src/ops/metrics/data-path-histogram';

const buckets = [0.001, 0.01, 0.1];

/** The same observations in both kinds of histogram. */
async function observed(durations: Readonly<Record<string, readonly number[]>>) {
  const [ours, theirs] = [new Registry(), new Registry()];
  const fields = { name: 'seconds', help: 'Time "of" it.', buckets };
  const values = ['direct', 'restricted'];
  const histogram = new DataPathHistogram({ ...fields, label: 'form', values, registers: [ours] });
  const original = new Histogram({ ...fields, labelNames: ['form'], registers: [theirs] });
  for (const [form, seconds] of Object.entries(durations)) {
    for (const each of seconds) {
      histogram.of(form).observe(each);
      original.observe({ form }, each);
    }
  }
  return { ours, theirs };
}

test.each([
  ['nothing was observed', {}],
  ['one value of the label has been observed', { direct: [0.0005] }],
  ['both have', { direct: [0.002, 0.02], restricted: [0.2, 0.5] }],
  ['a duration lies on a bound', { direct: [0.001, 0.01, 0.1] }],
  ['a duration is zero', { restricted: [0] }],
])('writes what prom-client writes: %s', async (_, durations) => {
  const { ours, theirs } = await observed(durations);
  expect(await ours.metrics()).toBe(await theirs.metrics());
});

test('refuses: a value of the label that was not announced', () => {
  const histogram = new DataPathHistogram({
    ...{ name: 'seconds', help: 'Time.', label: 'form', values: ['direct'], buckets },
    registers: [new Registry()],
  });
  expect(() => histogram.of('other')).toThrow('no label value other');
});
