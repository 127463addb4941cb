import { MemoryBackend } from '../../../src/cache/backends/memory';
import { partitionKeyTypes } from '../../../src/query/partition-key';
import { describeCacheBackend } from '../../support/cache-backend-conformance';

describeCacheBackend({
  name: 'memory',
  keyTypes: partitionKeyTypes,
  open: async () => new MemoryBackend({ warn: () => undefined }),
});
