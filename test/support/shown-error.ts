/**
 * What a driver's error tells of PostgreSQL's: all of its fields, those included that hold the server's source position.
 * Rejects if the action succeeds.
 */
export async function shownError(action: PromiseLike<unknown>): Promise<Readonly<Record<string, unknown>>> {
  try {
    await action;
  } catch (error) {
    return { ...(error as object), message: (error as Error).message };
  }
  throw new Error('there was no error');
}
