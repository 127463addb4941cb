/** The process at the other end of a channel is gone, or does not listen any more: what was asked of it may have been done or not. */
export class ChannelClosedError extends Error {
  override readonly name = 'ChannelClosedError';

  constructor(what: string) {
    super(`${what}: the other process is gone`);
  }
}
