/** What the process ends with. */
export const ExitCode = {
  Done: 0,
  Failed: 1,
  /** The command line or the configuration is wrong. */
  Usage: 2,
  /** The cache in the database was set up by a later version. */
  NewerSchema: 3,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];
