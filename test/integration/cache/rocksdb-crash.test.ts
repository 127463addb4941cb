import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { openRocksdbSet } from '../../../src/cache/backends/rocksdb-set';
import { hashOf, plainEntry } from '../../support/cache-entries';
import { entryCount, generatedEntry } from '../../support/put-until-killed';
import { temporaryDirectory } from '../../support/temporary-directory';

const script = require.resolve('../../support/put-until-killed.ts');
const rounds = 8;

/** Runs a process that puts entries, kills it after some acknowledgements; resolves to the last generation of each entry. */
async function putAndKill(
  path: string,
  from: number,
  acknowledgements: number,
): Promise<Map<number, number>> {
  const child = spawn(process.execPath, ['--import', 'tsx', script, path, String(from)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const last = new Map<number, number>();
  let seen = 0;
  // What was written to the pipe before the kill is still read after it.
  for await (const line of createInterface({ input: child.stdout })) {
    const [entry = NaN, generation = NaN] = line.split(' ').map(Number);
    last.set(entry, generation);
    if (++seen === acknowledgements) child.kill('SIGKILL');
  }
  expect(await exited).toEqual([null, 'SIGKILL']);
  return last;
}

test('a process killed while it puts loses nothing acknowledged and leaves nothing half', async () => {
  await using directory = await temporaryDirectory('rocksdb-crash');
  const path = `${directory.path}/cache`;
  let from = 0;
  for (let round = 0; round < rounds; round++) {
    const acknowledged = await putAndKill(path, from, 1 + ((round * 53) % 230));
    const warnings: string[] = [];
    await using backend = await openRocksdbSet({ path, warn: (message) => warnings.push(message) });
    for (let entry = 0; entry < entryCount; entry++) {
      const found = await backend.get('region', hashOf(`entry ${entry}`));
      const last = acknowledged.get(entry) ?? (from > 0 ? from - 1 : undefined);
      if (last === undefined && found === undefined) continue;
      const generation = found?.createdAt ?? -1;
      // One more may have been written than could be acknowledged.
      expect(generation).toBeGreaterThanOrEqual(last ?? 0);
      expect(generation).toBeLessThanOrEqual((last ?? from) + 1);
      expect(plainEntry(found)).toEqual(plainEntry(generatedEntry(entry, generation)));
    }
    expect(warnings).toEqual([]);
    // Brings all entries to one generation again, so that the next round knows what to expect.
    from = Math.max(from, ...acknowledged.values()) + 2;
    await backend.registerPartitionKey('region', 'integer');
    for (let entry = 0; entry < entryCount; entry++) await backend.put(generatedEntry(entry, from - 1));
  }
}, 180_000);
