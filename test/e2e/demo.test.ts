import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const run = join(__dirname, '../../demo/run.mjs');

interface Output {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function demo(
  args: readonly string[],
  onStderr?: (text: string, pid: number) => void,
): Promise<Output> {
  const child = spawn(process.execPath, [run, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    onStderr?.(stderr, child.pid ?? 0);
  });
  const [status] = await once(child, 'close');
  return { status, stdout, stderr };
}

test('the demo gives the same rows both ways, and the numbers alone on stdout', async () => {
  const { status, stdout, stderr } = await demo(['--json', '--runs', '1']);
  expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
  const { queries, speedup_geomean: speedup } = JSON.parse(stdout);
  expect(queries.length).toBeGreaterThanOrEqual(8);
  for (const query of queries) {
    expect(query).toEqual({
      name: expect.any(String),
      direct_ms: expect.any(Number),
      first_ms: expect.any(Number),
      cached_ms: expect.any(Number),
      rows: expect.any(Number),
      identical: true,
      keys: expect.any(Number),
      total_keys: 3879,
    });
  }
  // Times are not for a test to judge on a machine that runs others; what the server was given is.
  expect(
    queries.filter(({ keys, total_keys: all }: { keys: number; total_keys: number }) => keys < all).length,
  ).toBeGreaterThanOrEqual(queries.length / 2);
  expect(speedup).toBeGreaterThan(0);
}, 300_000);

test('the demo ends at once and tidily when it is told to in the middle', async () => {
  let isTold = false;
  const { status, stderr } = await demo(['--once'], (text, pid) => {
    if (isTold || !text.includes('loading the places')) return;
    isTold = true;
    process.kill(pid, 'SIGTERM');
  });
  expect({ status, stderr }).toEqual({
    status: 130,
    stderr: expect.stringMatching(/loading the places.*\nstopping\n$/s),
  });
}, 60_000);

test('the demo says what is wrong with its options', async () => {
  const { status, stdout, stderr } = await demo(['--twice']);
  expect(status).toBe(2);
  expect(stdout).toBe('');
  expect(stderr).toContain("Unknown option '--twice'");
}, 60_000);
