import { Socket } from 'node:net';
import { isOutOfFiles, OpenFiles } from '../../../../src/proxy/entrance/open-files';

function socketWith(descriptor: number | undefined): Socket {
  return Object.assign(new Socket(), { _handle: { fd: descriptor } });
}

describe('OpenFiles', () => {
  test('keeps 64 descriptors for others than sessions, and of few files a quarter', () => {
    const [many, few] = [new OpenFiles(1024), new OpenFiles(40)];
    expect([959, 960].map((fd) => many.hasRoomFor(socketWith(fd)))).toEqual([true, false]);
    expect([29, 30].map((fd) => few.hasRoomFor(socketWith(fd)))).toEqual([true, false]);
  });

  test('has room where the limit, or the descriptor, is not known', () => {
    expect(new OpenFiles(undefined).hasRoomFor(socketWith(1_000_000))).toBe(true);
    expect(new OpenFiles(undefined).suffices(1_000_000)).toBe(true);
    expect(new OpenFiles(16).hasRoomFor(socketWith(undefined))).toBe(true);
  });

  test('a session takes two files', () => {
    expect([480, 481].map((sessions) => new OpenFiles(1024).suffices(sessions))).toEqual([true, false]);
  });
});

describe('isOutOfFiles', () => {
  const emfile = Object.assign(new Error('connect EMFILE'), { code: 'EMFILE' });

  test('applies: to the error, to one it caused, to one for each address of a name', () => {
    expect(isOutOfFiles(emfile)).toBe(true);
    expect(isOutOfFiles(new Error('not connected', { cause: emfile }))).toBe(true);
    expect(isOutOfFiles(new Error('not connected', { cause: new AggregateError([emfile]) }))).toBe(true);
  });

  test('refuses: other errors, and what is none', () => {
    expect(isOutOfFiles(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }))).toBe(false);
    expect(isOutOfFiles('EMFILE')).toBe(false);
  });
});
