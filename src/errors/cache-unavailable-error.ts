/** The store of key sets cannot be reached or read. Never a client's concern: its statement is forwarded as it is. */
export class CacheUnavailableError extends Error {
  override readonly name = 'CacheUnavailableError';

  constructor(backend: string, message: string, options: { readonly cause?: unknown } = {}) {
    super(`${backend}: ${message}`, options);
  }
}
