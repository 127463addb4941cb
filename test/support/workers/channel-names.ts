import { callName, newsName } from '../../../src/cli/workers/channel';

/** Gives back what it is given. */
export const echo = callName<unknown, unknown>('echo');
/** Rejects with the error of this name. */
export const fail = callName<string, never>('fail');
/** Never ends. */
export const hang = callName<undefined, never>('hang');
/** Is told the number as news as often, and then it is what the call resolves to. */
export const countUp = callName<number, number>('count up');
export const counted = newsName<number>('counted');
/** Is asked back. */
export const askBack = callName<string, string>('ask back');
export const asked = callName<string, string>('asked');
/** A socket, which is answered by what it is told with. */
export const socketGiven = newsName<string>('socket given');
/** Has the other process hear what it did not until now; resolves to all that has come. */
export const hearNow = callName<undefined, readonly string[]>('hear now');
export const unheard = newsName<string>('unheard');
