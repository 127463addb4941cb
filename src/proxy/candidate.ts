import { type BoundParameters, type InspectedStatement } from '../engine/engine';
import { type PreparedStatement } from './prepared-statements';

/** A message that executes a statement the engine may have something for: a Query, or a Bind. */
export interface Candidate {
  readonly protocol: 'simple' | 'extended';
  readonly statement: InspectedStatement;
  readonly prepared: PreparedStatement | undefined;
  readonly parameters: BoundParameters | undefined;
  readonly portalName: string;
  /** The client's message; a view of what came in. */
  readonly frame: Buffer;
  /** Whether the original can be run unseen should the rewritten form fail (rule S12). */
  readonly canRetry: boolean;
  /** For Bind, if `canRetry`: what to send then. */
  readonly batch: { readonly bytes: Buffer; readonly hasDescribe: boolean } | undefined;
}
