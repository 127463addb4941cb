import { type RewritePlan } from '../../engine/engine';
import { type Candidate } from './candidate';
import { type ProxyMode } from './session-link';
import { type SessionTracker } from './session-tracker';

/**
 * Whether the server has to be asked what it has under a prepared statement's name, whatever the engine made of the text: that may
 * be another by now, or have parameters of other types.
 */
export function isStatementDoubtful(
  { prepared }: Candidate,
  { parameterOids }: RewritePlan,
  tracker: SessionTracker,
  hasAsked: boolean,
): boolean {
  if (!tracker.isTextCertain(prepared)) return true;
  return !hasAsked && prepared?.hasDoubtfulTypes(parameterOids, tracker.batch) === true;
}

/** What lists the session's prepared statements by its name: ours would be among them. */
export const listsPrepared = /pg_prepared_statement/i;

/** Why a rewrite is not sent, though the engine has one; undefined if it is. */
export function rewriteObjection(
  { canRetry, parameters, prepared, protocol, statement }: Candidate,
  plan: RewritePlan,
  mode: ProxyMode,
): string | undefined {
  if (mode !== 'on') return 'observe mode';
  if (plan.mustRetryOnError && !canRetry) return 'cannot retry';
  if (listsPrepared.test(statement.text)) return 'lists prepared statements';
  if (prepared?.hasOtherTypes(plan.parameterOids) === true) return 'other parameter types';
  // The server's message about missing values would have the hidden statement's name.
  const isIncomplete = protocol === 'extended' && parameters?.values.length !== plan.parameterOids.length;
  return isIncomplete ? 'shape check' : undefined;
}
