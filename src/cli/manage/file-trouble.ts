import { messageOf } from '../../errors/message-of';
import { StartError } from '../../errors/start-error';

/** To catch with: the system's refusal of a file becomes a sentence, any other error goes on. */
export function fileTrouble(purpose: 'read' | 'written'): (error: unknown) => never {
  return (error) => {
    const isSystemError = typeof error === 'object' && error !== null && 'syscall' in error;
    throw isSystemError
      ? new StartError(`cannot be ${purpose}: ${messageOf(error)}`, { cause: error })
      : error;
  };
}
