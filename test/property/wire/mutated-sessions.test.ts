import * as fc from 'fast-check';
import { holdConversation } from '../../fuzz/fuzz-bare-sessions';
import { fuzzDecoders } from '../../fuzz/fuzz-decoders';
import { Tally } from '../../fuzz/tally';
import { Random } from '../../oracle/random';
import { Challenge } from '../../support/wire-script/challenge';
import { encodeLine, isStartupLine } from '../../support/wire-script/frontend-line';
import { readScript, scriptNames } from '../../support/wire-script/scripts-directory';

/** Longer conversations would take most of the time. */
const mostBytes = 10_000;

/** What the wire scripts send behind the login, message by message. */
const requests = scriptNames()
  .map((name) =>
    readScript(name).steps.flatMap(({ send }) =>
      send
        .filter((line) => !/^\d+ times |StartupBytes|^PasswordMD5|^SASL/.test(line) && !isStartupLine(line))
        .map((line) =>
          encodeLine(line, { cancelRequest: () => Buffer.alloc(0), challenge: new Challenge() }),
        ),
    ),
  )
  .filter((messages) => messages.length > 0 && Buffer.concat(messages).length < mostBytes);

const seed = fc.integer({ min: 0, max: 0x7fffffff });

test('mutated messages end a session with a protocol violation, or do not; and nothing is waited for that does not come', async () => {
  await fc.assert(
    fc.asyncProperty(seed, async (number) => {
      const tally = new Tally();
      await holdConversation(new Random(number), requests, requests.flat(), tally, `seed ${number}`);
      expect(tally.faults).toEqual([]);
    }),
    { numRuns: 500 },
  );
});

test('mutated messages are values or a protocol violation, for every decoder, and pass the frame reader unchanged', () => {
  const conversations = requests.map((messages, i) => ({
    name: String(i),
    turns: [
      { from: 'frontend' as const, messages },
      { from: 'backend' as const, messages },
    ],
  }));
  fc.assert(
    fc.property(seed, (number) => {
      const tally = fuzzDecoders(conversations, { seed: number, messages: 50, endsAt: Infinity });
      expect(tally.faults).toEqual([]);
    }),
    { numRuns: 60 },
  );
});
