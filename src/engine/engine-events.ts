/** What an engine tells about itself, for metrics. Called on the data path: an implementation only counts. */
export interface EngineEvents {
  /** A decision was made; fetching key sets not included. */
  planned(elapsedMs: number): void;
}

/** The part of pino's logger the engine uses. */
export interface EngineLog {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}
