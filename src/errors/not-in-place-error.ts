/** Keys were to be read where they are kept, and the statement cannot read them there. */
export class NotInPlaceError extends Error {
  override readonly name = 'NotInPlaceError';

  constructor(
    readonly backend: string,
    reason: string,
  ) {
    super(`keys of a cache of kind ${backend} cannot be read by SQL where they are: ${reason}`);
  }
}
