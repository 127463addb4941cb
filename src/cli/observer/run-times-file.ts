import { appendFileSync, existsSync } from 'node:fs';
import { messageOf } from '../../errors/message-of';
import { StartError } from '../../errors/start-error';
import type { FinishedRun } from '../../population/population-events';

const header = 'finished_at,database,partition_key,hash,status,seconds,keys\n';

/** A CSV file with a line for each run of a fragment. What is in it stays. */
export class RunTimesFile {
  #isTold = false;

  /** Throws StartError if it cannot be written. `warn` hears of it if that is so later. */
  constructor(
    private readonly path: string,
    private readonly warn: (message: string, cause: unknown) => void,
  ) {
    try {
      appendFileSync(path, existsSync(path) ? '' : header);
    } catch (error) {
      throw new StartError(`--log-query-times: ${messageOf(error)}`, { cause: error });
    }
  }

  /** A run takes milliseconds at least, so that writing may take its microseconds. */
  add(database: string, { fragment, status, seconds, keyCount }: FinishedRun): void {
    const now = new Date().toISOString();
    const { partitionKey, hash } = fragment;
    const fields = [now, database, partitionKey, hash, status, seconds.toFixed(6), String(keyCount)];
    try {
      appendFileSync(this.path, `${fields.map(quoted).join(',')}\n`);
    } catch (error) {
      if (!this.#isTold) this.warn('the times of runs cannot be written down', error);
      this.#isTold = true;
    }
  }
}

function quoted(field: string): string {
  return /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}
