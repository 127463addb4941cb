import { existsSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TemporaryDirectory } from './temporary-directory';

/** Debian's package faketime; undefined where it is not installed. */
export const fakeTimeLibrary = readdirSync('/usr/lib')
  .map((name) => join('/usr/lib', name, 'faketime', 'libfaketime.so.1'))
  .find(existsSync);

/** The clock of a program, which can be set while it runs: as by an operator, or by NTP. Time goes on evenly all the same. */
export class FakeClock {
  readonly #file: string;

  constructor(directory: TemporaryDirectory) {
    this.#file = join(directory.path, 'clock');
    this.setBy(0);
  }

  /** For the program. */
  get environment(): Record<string, string> {
    return {
      LD_PRELOAD: fakeTimeLibrary ?? '',
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    };
  }

  /** Days from what it is really. */
  setBy(days: number): void {
    const next = `${this.#file}.next`;
    writeFileSync(next, `${days < 0 ? '' : '+'}${days}d\n`);
    renameSync(next, this.#file);
  }
}
