import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { freePort } from '../../support/free-port';

class OwnError extends Error {}

/** What is thrown or rejected with. */
async function caught(action: () => unknown): Promise<unknown> {
  try {
    await action();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

describe('errors of node itself', () => {
  test.each([
    ['a file that is not there', () => readFileSync('/no/such/file')],
    ['the same, asynchronously', () => readFile('/no/such/file')],
    ['an aborted wait', () => AbortSignal.abort().throwIfAborted()],
    [
      'a refused connection',
      async () => {
        const socket = connect(await freePort(), '127.0.0.1');
        await new Promise((_, reject) => socket.once('error', reject));
      },
    ],
  ])('%s is an Error, and no other class of errors', async (_title, action) => {
    const error = await caught(action);
    expect(error instanceof Error).toBe(true);
    expect(error instanceof OwnError).toBe(false);
    expect(error instanceof RangeError).toBe(false);
  });

  test('a wrong argument is a TypeError', async () => {
    expect((await caught(() => Buffer.from(1 as never))) instanceof TypeError).toBe(true);
  });
});

test('other values are no errors, and own errors are what they are', () => {
  expect({} instanceof Error).toBe(false);
  expect((null as unknown) instanceof Error).toBe(false);
  expect(new OwnError() instanceof OwnError).toBe(true);
  expect(new TypeError() instanceof OwnError).toBe(false);
  expect(new TypeError() instanceof RangeError).toBe(false);
});
