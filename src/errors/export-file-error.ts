/** A file is no export of a cache, or not all of one. The message says where in the file, in bytes. */
export class ExportFileError extends Error {
  override readonly name = 'ExportFileError';

  constructor(
    readonly file: string,
    /** Of the first byte that is not as it should be. */
    readonly position: number,
    message: string,
    options: { readonly cause?: unknown } = {},
  ) {
    super(`${file}: ${message} (at byte ${position})`, options);
  }
}
