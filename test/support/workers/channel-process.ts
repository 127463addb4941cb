import { Channel } from '../../../src/cli/workers/channel';
import { CacheUnavailableError } from '../../../src/errors/cache-unavailable-error';
import { DatatypeMismatchError } from '../../../src/errors/datatype-mismatch-error';
import { KeyOutOfRangeError } from '../../../src/errors/key-out-of-range-error';
import { PgError, SqlState } from '../../../src/errors/pg-error';
import { QueueUnavailableError } from '../../../src/errors/queue-unavailable-error';
import {
  askBack,
  asked,
  counted,
  countUp,
  echo,
  fail,
  hang,
  hearNow,
  socketGiven,
  unheard,
} from './channel-names';

const errors: Readonly<Record<string, () => unknown>> = {
  CacheUnavailableError: () =>
    new CacheUnavailableError('memory', 'it is closed', { cause: new Error('the reason') }),
  DatatypeMismatchError: () => new DatatypeMismatchError('region', 'is another'),
  KeyOutOfRangeError: () => new KeyOutOfRangeError('region', 2n ** 63n - 1n, 'no room'),
  QueueUnavailableError: () => new QueueUnavailableError('postgresql', 'does not answer'),
  PgError: () =>
    new PgError(SqlState.InsufficientPrivilege, 'no', { detail: 'None.', cause: () => 'no data' }),
  unknown: () => Object.assign(new RangeError('of no class we know'), { secret: 1 }),
  text: () => 'thrown as it is',
};

const channel = new Channel(process);
channel.answer(echo, async (argument) => argument);
channel.answer(fail, async (name) => {
  throw errors[name]?.();
});
channel.answer(hang, () => new Promise<never>(() => undefined));
channel.answer(countUp, async (to) => {
  for (let i = 1; i <= to; i++) channel.tell(counted, i);
  return to;
});
channel.answer(askBack, (text) => channel.call(asked, text));
channel.hear(socketGiven, (text, socket) => socket?.end(text));
channel.answer(hearNow, async () => {
  const heard: string[] = [];
  channel.hear(unheard, (text) => heard.push(text));
  return heard;
});
void channel.whenClosed.then(() => process.exit());
