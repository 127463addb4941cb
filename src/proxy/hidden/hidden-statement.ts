import { randomBytes } from 'node:crypto';
import { encodeBind } from '../../wire/frontend/bind';
import { encodeClose } from '../../wire/frontend/close';
import { encodeExecute } from '../../wire/frontend/execute';
import { encodeParse } from '../../wire/frontend/parse';
import { type StatementRun } from '../scan/statement-run';

/** A prepared statement of the proxy's own in a client's session. */
export class HiddenStatement {
  /** Whether the server has it: from ParseComplete to CloseComplete. */
  isOpen = false;
  /** Whether the server has, since then, found the client's own statement fit to be run. */
  isProven = false;

  constructor(readonly name: string) {}
}

/**
 * A hidden message without which a rewritten statement cannot be run: Parse of the hidden statement, or Describe of the client's
 * own. If it fails, the client's statement has failed.
 */
export class RunPreparation {
  constructor(
    readonly message: 'Parse' | 'Describe',
    readonly run: StatementRun,
    private readonly hidden: HiddenStatement,
  ) {}

  /** The server's answer was good. */
  done(): void {
    if (this.message === 'Parse') this.hidden.isOpen = true;
    else this.hidden.isProven = true;
  }
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
 * portal are not touched. The replies: ParseComplete, BindComplete, DataRow, CommandComplete and two CloseComplete. The caller adds
 * Sync or Flush.
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
  ];
}

const textOid = 25;
