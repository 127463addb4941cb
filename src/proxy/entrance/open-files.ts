import { type Socket } from 'node:net';

/** Descriptors kept for what is not a session: the cache's files, connections of our own, clients that are told there is no room. */
const reserve = 64;

/**
 * How many files the process may have open. Each session is two: were all used up, clients would be cut off without a word, and
 * the cache could open none of its files.
 */
export class OpenFiles {
  private readonly lastForSessions: number;

  /** @param limit of the process; undefined: not known */
  constructor(readonly limit: number | undefined) {
    const kept = limit === undefined ? 0 : Math.min(reserve, Math.floor(limit / 4));
    this.lastForSessions = limit === undefined ? Infinity : limit - kept;
  }

  /**
   * Whether a client that was just accepted leaves room enough. The operating system gives out the lowest number that is free, so the
   * number of its descriptor says how many there are at least; Node has it under a name that is not documented, and
   * without it there is always room.
   */
  hasRoomFor(accepted: Socket): boolean {
    const { _handle: handle } = accepted as unknown as {
      readonly _handle?: { readonly fd?: unknown } | null;
    };
    const descriptor = handle?.fd;
    return typeof descriptor !== 'number' || descriptor < this.lastForSessions;
  }

  /** Whether so many sessions can be there at once. */
  suffices(sessions: number): boolean {
    return 2 * sessions <= this.lastForSessions;
  }
}

/** Whether an error says that the process, or the machine, can open no more files. */
export function isOutOfFiles(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ('code' in error && (error.code === 'EMFILE' || error.code === 'ENFILE')) return true;
  // A name with several addresses fails with an error for each.
  const causes: unknown[] = error instanceof AggregateError ? error.errors : [error.cause];
  return causes.some(isOutOfFiles);
}
