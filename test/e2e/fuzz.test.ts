import { runFuzz } from '../fuzz/fuzz-run';

const seed = Number(process.env['PCACHE_TEST_SEED'] ?? Date.now() % 1_000_000);

/** A short run of what `npm run fuzz` does at length. */
test(`mutated messages do no harm (PCACHE_TEST_SEED=${seed})`, async () => {
  const lines: string[] = [];
  const faults = await runFuzz({ seed, messages: 60_000, seconds: 40 }, (line) => lines.push(line));
  expect({ lines, faults }).toEqual({ lines, faults: [] });
}, 180_000);
