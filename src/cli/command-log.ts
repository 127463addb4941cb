import type { PcacheConfig } from '../ops/config/pcache-config';
import { createLog } from '../ops/log/create-log';
import type { Log } from '../ops/log/log';

/** The log of a command that does one thing and ends: what a server reports as it goes on is not said, unless a finer level is asked for. */
export function commandLog({ log }: PcacheConfig): Log {
  return createLog(log.level === 'info' ? { ...log, level: 'warn' } : log);
}
