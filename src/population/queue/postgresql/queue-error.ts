import { ControlConnectionError } from '../../../errors/control-connection-error';
import { ControlQueryError } from '../../../errors/control-query-error';
import { QueueUnavailableError } from '../../../errors/queue-unavailable-error';

const missing = /^(3F000|42P01)$/;
const notAllowed = '42501';

/** The error of a statement of the queue, with what there is to do about it. */
export function queueError(queue: string, error: unknown): unknown {
  if (error instanceof ControlQueryError) {
    const { sqlState, serverMessage } = error;
    if (missing.test(sqlState)) {
      const message = `its tables are not set up (${serverMessage}); run: pcache manage setup`;
      return new QueueUnavailableError(queue, message, { cause: error });
    }
    if (sqlState === notAllowed) {
      const message = `${serverMessage}; pcache manage grants --control ROLE prints the grants the role needs`;
      return new QueueUnavailableError(queue, message, { cause: error });
    }
    return new QueueUnavailableError(queue, error.message, { cause: error });
  }
  if (error instanceof ControlConnectionError)
    return new QueueUnavailableError(queue, error.message, { cause: error });
  return error;
}
