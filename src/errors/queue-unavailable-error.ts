/** The queue cannot be reached, or is not set up; what is in it stays there. Never a client's concern. */
export class QueueUnavailableError extends Error {
  override readonly name = 'QueueUnavailableError';

  constructor(queue: string, message: string, options: { readonly cause?: unknown } = {}) {
    super(`${queue}: ${message}`, options);
  }
}
