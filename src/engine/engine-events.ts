/** A step from text to plan, taken where its result is not known from before. fetch waits for the store of key sets. */
export const planSteps = ['parse', 'analyse', 'look_up', 'fetch', 'rewrite'] as const;
export type PlanStep = (typeof planSteps)[number];

/** What an engine tells about itself, for metrics. Called on the data path: an implementation only counts. */
export interface EngineEvents {
  /** A decision was made; fetching key sets not included. */
  planned(elapsedMs: number): void;
  /** Takes a step, and returns what it returns; a promise is a step until it settles. */
  step<T>(step: PlanStep, take: () => T): T;
}

/** The part of pino's logger the engine uses. */
export interface EngineLog {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/** Nobody listens. */
export const unheard: EngineEvents = { planned: () => undefined, step: (_, take) => take() };
