/** What the process ends with. 3 is kept for a database that is newer than this program. */
export const ExitCode = {
  Done: 0,
  Failed: 1,
  /** The command line or the configuration is wrong. */
  Usage: 2,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];
