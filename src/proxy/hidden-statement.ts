import { randomBytes } from 'node:crypto';
import { type RewritePlan } from '../engine/engine';
import { encodeBind, renameBindStatement } from '../wire/frontend/bind';
import { encodeClose } from '../wire/frontend/close';
import { encodeExecute } from '../wire/frontend/execute';
import { encodeParse } from '../wire/frontend/parse';
import { encodeSync } from '../wire/frontend/sync';
import { type StatementRun } from './statement-run';

/** A prepared statement of the proxy's own in a client's session, closed as soon as its portal is bound. */
export class HiddenStatement {
  /** Whether the server has it: from ParseComplete to CloseComplete. */
  isOpen = false;

  /** @param run the client's statement it stands for; undefined for the proxy's own questions */
  constructor(
    readonly name: string,
    readonly run?: StatementRun,
  ) {}
}

/** Names no client uses: the random part is drawn once for a session, so that they cannot be guessed and taken. */
export class HiddenNames {
  private readonly prefix: string;
  private count = 0;

  constructor() {
    this.prefix = randomBytes(8).toString('hex');
  }

  next(): string {
    return `pcache_${++this.count}_${this.prefix}`;
  }
}

/**
 * The messages that ask the server for the session's context, to be sent in one write. The client's unnamed statement and
 * portal are not touched. The replies: ParseComplete, BindComplete, DataRow, CommandComplete, two CloseComplete and
 * ReadyForQuery.
 *
 * @param preparedName the client's prepared statement whose text is asked for too, or undefined
 */
export function encodeContextAsk(
  contextQuery: string,
  name: string,
  preparedName: string | undefined,
): readonly Buffer[] {
  const value = preparedName === undefined ? null : Buffer.from(preparedName, 'utf8');
  return [
    encodeParse({ statementName: name, query: contextQuery, parameterTypeOids: [textOid] }),
    encodeBind({
      portalName: name,
      statementName: name,
      parameterFormats: [],
      parameters: [value],
      resultFormats: [],
    }),
    encodeExecute({ portalName: name, maxRows: 0 }),
    encodeClose({ target: 'portal', name }),
    encodeClose({ target: 'statement', name }),
    encodeSync(),
  ];
}

const textOid = 25;

/** What is sent instead of a client's Bind: the engine's text as a hidden statement, and the client's portal made of it. */
export interface RewrittenBind {
  readonly parse: Buffer;
  readonly bind: Buffer;
  readonly close: Buffer;
}

/**
 * The portal keeps the plan alive when the statement is closed (PortalDefineQuery takes a reference to the cached plan), so
 * the statement is closed in the same breath and the session's list of prepared statements stays the client's.
 */
export function encodeRewrittenBind(frame: Buffer, name: string, plan: RewritePlan): RewrittenBind {
  return {
    parse: encodeParse({ statementName: name, query: plan.text, parameterTypeOids: plan.parameterOids }),
    bind: renameBindStatement(frame, name),
    close: encodeClose({ target: 'statement', name }),
  };
}
