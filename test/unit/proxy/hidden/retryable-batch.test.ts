import { findRetryableBatch } from '../../../../src/proxy/hidden/retryable-batch';
import { encodeClose } from '../../../../src/wire/frontend/close';
import { encodeDescribe } from '../../../../src/wire/frontend/describe';
import { encodeExecute } from '../../../../src/wire/frontend/execute';
import { encodeFlush } from '../../../../src/wire/frontend/flush';
import { encodeSync } from '../../../../src/wire/frontend/sync';

const execute = encodeExecute({ portalName: 'p', maxRows: 0 });
const describePortal = encodeDescribe({ target: 'portal', name: 'p' });
const sync = encodeSync();

describe('findRetryableBatch', () => {
  test.each([
    ['Execute, Sync', [execute, sync]],
    ['Describe, Execute, Sync', [describePortal, execute, sync]],
    ['with a row limit', [encodeExecute({ portalName: 'p', maxRows: 5 }), sync]],
  ])('finds the end: %s', (_title, messages) => {
    const before = Buffer.from('before');
    const chunk = Buffer.concat([before, ...messages, Buffer.from('more')]);
    expect(findRetryableBatch(chunk, before.length, 'p')).toBe(chunk.length - 4);
  });

  test.each([
    ['nothing', []],
    ['no Sync yet', [execute]],
    ['Flush', [execute, encodeFlush()]],
    ['another portal', [encodeExecute({ portalName: 'q', maxRows: 0 }), sync]],
    ['Describe of another portal', [encodeDescribe({ target: 'portal', name: 'q' }), execute, sync]],
    ['Describe of a statement', [encodeDescribe({ target: 'statement', name: 'p' }), execute, sync]],
    ['Execute twice', [execute, execute, sync]],
    ['Close before Sync', [execute, encodeClose({ target: 'portal', name: 'p' }), sync]],
    ['a length that is none', [Buffer.from([0x45, 0, 0, 0, 0]), sync]],
  ])('refuses: %s', (_title, messages) => {
    expect(findRetryableBatch(Buffer.concat(messages), 0, 'p')).toBeUndefined();
  });

  test('refuses: anything that is not all here', () => {
    const chunk = Buffer.concat([describePortal, execute, sync]);
    for (let length = 0; length < chunk.length; length++) {
      expect(findRetryableBatch(chunk.subarray(0, length), 0, 'p')).toBeUndefined();
    }
  });
});
