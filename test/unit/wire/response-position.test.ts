import { movePosition } from '../../../src/wire/backend/response-position';
import { encodeMessage } from '../../../src/wire/message-writer';
import { BackendCode } from '../../../src/wire/message-code';

const response = (...fields: (string | Buffer)[]): Buffer =>
  encodeMessage(
    BackendCode.ErrorResponse,
    ...fields.flatMap((field) => [Buffer.from(field as string), Buffer.of(0)]),
    Buffer.of(0),
  );
const move = (frame: Buffer, moved: number | undefined): Buffer | undefined =>
  movePosition('ErrorResponse', frame, 0, frame.length, () => moved);

test('moves: the position alone is another one, and the length is right', () => {
  const latin1 = Buffer.from('Mno caf\xe9', 'latin1');
  const frame = response('SERROR', 'C42703', latin1, 'P140', 'p3', 'qselect P9', 'Fparse.c');
  expect(move(frame, 12)).toEqual(
    response('SERROR', 'C42703', latin1, 'P12', 'p3', 'qselect P9', 'Fparse.c'),
  );
});

test('moves: the frame may lie anywhere in a buffer', () => {
  const frame = response('C42703', 'P140');
  const within = Buffer.concat([Buffer.from('junk'), frame, Buffer.from('P1\0')]);
  expect(movePosition('ErrorResponse', within, 4, 4 + frame.length, () => 7)).toEqual(
    response('C42703', 'P7'),
  );
});

test('leaves the position out if there is none', () => {
  expect(move(response('C42703', 'P140', 'Fparse.c'), undefined)).toEqual(response('C42703', 'Fparse.c'));
});

test('changes nothing: without a position, or with the right one', () => {
  expect(move(response('C22012', 'Mdivision by zero'), 1)).toBeUndefined();
  expect(move(response('C42703', 'P12'), 12)).toBeUndefined();
});

test('refuses: a message that is cut off', () => {
  const frame = response('C42703', 'P140');
  expect(() => movePosition('ErrorResponse', frame, 0, frame.length - 2, () => 1)).toThrow(
    expect.objectContaining({ sqlState: '08P01' }) as Error,
  );
});
