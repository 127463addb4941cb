import { join } from 'node:path';
import { cacheTypeNames, cacheTypes } from '../../../src/cache/cache-types';
import { openCacheBackend } from '../../../src/cli/open-cache-backend';
import { StartError } from '../../../src/errors/start-error';
import { createLog } from '../../../src/ops/log/create-log';
import { temporaryDirectory } from '../../support/temporary-directory';

const log = createLog({ level: 'silent', format: 'json', sql: false });

describe('openCacheBackend', () => {
  test.each(cacheTypeNames)('opens %s, which holds what the configuration says it holds', async (name) => {
    await using directory = await temporaryDirectory('cache');
    await using backend = await openCacheBackend(
      { backend: name, path: join(directory.path, 'cache'), bits: 1024 },
      log,
    );
    expect(backend.name).toBe(name);
    expect([...backend.capabilities.keyTypes].sort()).toEqual([...cacheTypes[name]].sort());
  });

  test('refuses: a directory that is in use', async () => {
    await using directory = await temporaryDirectory('cache');
    const config = { backend: 'rocksdb_set', path: directory.path, bits: 1024 } as const;
    await using _first = await openCacheBackend(config, log);
    const second = openCacheBackend(config, log);
    await expect(second).rejects.toBeInstanceOf(StartError);
    await expect(second).rejects.toThrow(/in use by .*stop what uses it, or set another cache\.path/);
  });
});
