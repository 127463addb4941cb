import { type RewritePlan } from '../../engine/engine';
import { type Candidate } from './candidate';
import { type ProxyMode } from './session-link';

/** Why a rewrite is not sent, though the engine has one; undefined if it is. */
export function rewriteObjection(
  { canRetry, parameters, protocol }: Candidate,
  plan: RewritePlan,
  mode: ProxyMode,
): string | undefined {
  if (mode !== 'on') return 'observe mode';
  if (plan.mustRetryOnError && !canRetry) return 'cannot retry';
  // The server's message about missing values would have the hidden statement's name.
  const isIncomplete = protocol === 'extended' && parameters?.values.length !== plan.parameterOids.length;
  return isIncomplete ? 'shape check' : undefined;
}
