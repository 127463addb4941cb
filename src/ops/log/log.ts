/** What the parts of pcache need of a log. Fields first, then a message without values in it, as pino has it. */
export interface Log {
  trace(fields: object, message: string): void;
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  fatal(fields: object, message: string): void;
  /** A log that adds `fields` to each of its entries. */
  child(fields: Record<string, unknown>): Log;
}
