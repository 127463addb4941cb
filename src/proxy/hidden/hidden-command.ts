import { encodeBind } from '../../wire/frontend/bind';
import { encodeClose } from '../../wire/frontend/close';
import { encodeExecute } from '../../wire/frontend/execute';
import { encodeParse } from '../../wire/frontend/parse';
import { Owed, type ReplyQueue } from '../scan/reply-queue';
import { type Detail } from '../scan/reply-detail';
import { HiddenStatement, type HiddenNames } from './hidden-statement';

/** What is run. */
export interface HiddenQuery {
  readonly query: string;
  readonly parameterTypeOids: readonly number[];
  /** As in Bind. */
  readonly parameterFormats: readonly number[];
  readonly parameters: readonly (Buffer | null)[];
}

/**
 * The messages that run a statement of the proxy's own; the client's unnamed statement and portal are not touched. Their replies are
 * owed from here on. Several before one Sync, which is the caller's, are one transaction, and their portals end with it.
 *
 * @param detail goes with the Execute
 */
export function hiddenCommand(
  queue: ReplyQueue<Detail>,
  names: HiddenNames,
  query: string,
  detail?: Detail,
): Buffer {
  const hidden = new HiddenStatement(names.next());
  const asked = { query, parameterTypeOids: [], parameterFormats: [], parameters: [] };
  return Buffer.concat([...run(queue, hidden, asked, detail), close(queue, hidden)]);
}

/** The same where rows are waited for; it may be in a transaction of the client's, so that the portal is closed too. The caller adds Sync or Flush. */
export function hiddenQuestion(queue: ReplyQueue<Detail>, names: HiddenNames, asked: HiddenQuery): Buffer {
  const hidden = new HiddenStatement(names.next());
  const messages = run(queue, hidden, asked);
  queue.push(Owed.Close, undefined, true);
  const { name } = hidden;
  return Buffer.concat([...messages, encodeClose({ target: 'portal', name }), close(queue, hidden)]);
}

function run(
  queue: ReplyQueue<Detail>,
  hidden: HiddenStatement,
  { query, parameterTypeOids, parameterFormats, parameters }: HiddenQuery,
  detail?: Detail,
): readonly Buffer[] {
  const { name } = hidden;
  queue.push(Owed.Parse, hidden, true);
  queue.push(Owed.Bind, undefined, true);
  queue.push(Owed.Execute, detail, true);
  return [
    encodeParse({ statementName: name, query, parameterTypeOids }),
    encodeBind({ portalName: name, statementName: name, parameterFormats, parameters, resultFormats: [] }),
    encodeExecute({ portalName: name, maxRows: 0 }),
  ];
}

function close(queue: ReplyQueue<Detail>, hidden: HiddenStatement): Buffer {
  queue.push(Owed.Close, hidden, true);
  return encodeClose({ target: 'statement', name: hidden.name });
}
