import { spawnSync } from 'node:child_process';
import { closeSync, constants, openSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { until } from './until';

/**
 * Who reads a configuration file from now on waits for its text, and so can be kept in the middle of its start for as long as a test takes. The file
 * is one again, with the text given to `replace`, as soon as one process has begun to read it.
 */
export class HeldConfig {
  #descriptor: number | undefined;

  constructor(private readonly file: string) {
    const pipe = `${file}.pipe`;
    rmSync(pipe, { force: true });
    const { status, stderr } = spawnSync('mkfifo', [pipe], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`mkfifo: ${stderr}`);
    renameSync(pipe, file);
  }

  /** Waits until a process reads it; those that come later find this text there. */
  async replace(text: string): Promise<void> {
    this.#descriptor = await until('the configuration is being read', () => openIfRead(this.file), {
      deadlineMs: 60_000,
    });
    replaceFile(this.file, text);
  }

  /** The process that waits has its text. */
  goOn(text: string): void {
    if (this.#descriptor === undefined) throw new Error('nobody reads it');
    writeSync(this.#descriptor, text);
    closeSync(this.#descriptor);
  }
}

/** Whatever is there now. */
export function replaceFile(file: string, text: string): void {
  const next = `${file}.next`;
  writeFileSync(next, text);
  renameSync(next, file);
}

function openIfRead(pipe: string): number | undefined {
  try {
    return openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch (error) {
    // Nobody has opened it to read.
    if ((error as NodeJS.ErrnoException).code !== 'ENXIO') throw error;
    return undefined;
  }
}
