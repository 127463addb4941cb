import { ContextCertainty } from '../../../../src/proxy/scan/context-certainty';

/** One letter, one event. */
const events: Readonly<Record<string, (certainty: ContextCertainty) => void>> = {
  r: (c) => c.wasRead(),
  '+': (c) => c.suspectSent(),
  '!': (c) => c.suspectDone(true),
  '-': (c) => c.suspectDone(false),
  p: (c) => c.lose(),
  e: (c) => c.transactionEnded(),
  I: (c) => c.ready('idle'),
  T: (c) => c.ready('inTransaction'),
  E: (c) => c.ready('failed'),
};

function play(script: string): ContextCertainty {
  const certainty = new ContextCertainty();
  for (const letter of script) events[letter]?.(certainty);
  return certainty;
}

describe('ContextCertainty', () => {
  test.each([
    ['once read', 'rI'],
    ['over a transaction that touched nothing', 'rI T T eI'],
    ['over a failed one that touched nothing', 'rI T E eI'],
    ['after a suspect that was harmless, such as BEGIN', 'rI +-T +-eI'],
    ['read again inside the block', 'rI T p T r'],
    ['after a suspect that the server skipped', 'rI +-I'],
    ['read again after the block', 'rI T p T eI r'],
  ])('certain: %s', (_title, script) => {
    expect(play(script).isCertain).toBe(true);
  });

  test.each([
    ['at first', ''],
    ['while a suspect is under way', 'rI +'],
    ['while a second one is', 'rI ++-'],
    ['after a suspect', 'rI +!I'],
    ['after a setting was reported', 'rI pI'],
    ['after a block in which it was lost, though read again', 'rI T p T r T eI'],
    ['after a block that failed, in which it was lost', 'rI T p T r T E eI'],
    ['after a block that began uncertain, though read inside', 'I T r T eI'],
    ['after a block of which the status alone tells', 'I T r T I'],
    ['after ROLLBACK TO in a block in which it was lost', 'rI T p T r e T'],
    ['after COMMIT AND CHAIN in a block in which it was lost', 'rI T p T r T e T'],
    ['after a SET sent together with BEGIN', 'rI +-+!T r T eI'],
  ])('uncertain: %s', (_title, script) => {
    expect(play(script).isCertain).toBe(false);
  });

  test('every loss begins an epoch', () => {
    expect(play('rI').epoch).toBe(0);
    expect(play('rIpI').epoch).toBe(1);
    expect(play('rI+!Ip').epoch).toBe(2);
  });
});
