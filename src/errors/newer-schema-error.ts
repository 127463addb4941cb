/** A database holds what a later version of this program has made, and this one cannot read. Exit code 3. */
export class NewerSchemaError extends Error {
  override readonly name = 'NewerSchemaError';
}
