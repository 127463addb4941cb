/** Told what went wrong in a cache and was dealt with; the owner logs it. `cause` is the error behind it, if there is one. */
export type CacheWarning = (message: string, cause?: unknown) => void;
