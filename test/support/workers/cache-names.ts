import { callName } from '../../../src/cli/workers/channel';

/** Which store the process at the other end is to lend, in place of any before. */
export interface WantedStore {
  readonly backend: 'memory' | 'rocksdb_bit';
  readonly path: string;
  readonly bits: number;
}
export const lendStore = callName<WantedStore, undefined>('lend a store');
/** Closes it, and lends none. */
export const releaseStore = callName<undefined, undefined>('release the store');
