import { type HeldRun } from './held-run';
import { type StatementRun } from '../scan/statement-run';

/**
 * SQLSTATEs of what a server says of a statement before it runs it: a name it does not know, a right that is not there. It took the restricted
 * form when it was asked about it (rule S11); what others have changed since, the proxy may not know yet.
 *
 *   ALTER TABLE place RENAME region_id TO region     -- the client's own statement names no region_id
 */
const refusals = /^42/;

/** The client's own message, kept until the server has begun to answer the restricted form: if the answer is a refusal, it is sent after all. */
export class KeptOriginal {
  /**
   * @param hold the run becomes a held one, that has failed; undefined if the client has sent more since, which the server is at next
   */
  constructor(
    readonly run: StatementRun,
    private readonly hold: () => HeldRun | undefined,
  ) {}

  /** The first that came of the run is an error. What is held then, if the original can be sent. */
  refused(sqlState: string): HeldRun | undefined {
    return refusals.test(sqlState) ? this.hold() : undefined;
  }
}
