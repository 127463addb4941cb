/**
 * Something the program needs in order to start is not to be had: a port, a directory, a server. The message is a
 * sentence that says what to do about it; the command line prints it without a stack and exits with code 1.
 */
export class StartError extends Error {
  override readonly name = 'StartError';
}
