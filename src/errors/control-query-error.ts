/** PostgreSQL refused a statement of our own; the connection it came over is still good. */
export class ControlQueryError extends Error {
  override readonly name = 'ControlQueryError';

  /** `statement` is the name of the file in sql/queries, or what the statement was for. */
  constructor(
    readonly statement: string,
    readonly target: string,
    /** Five characters, PostgreSQL manual, Appendix A. */
    readonly sqlState: string,
    readonly serverMessage: string,
    options: { readonly cause?: unknown } = {},
  ) {
    super(`${statement} on ${target}: ${serverMessage} (SQLSTATE ${sqlState})`, options);
  }
}
