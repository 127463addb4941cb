import { encodeBind } from '../../wire/frontend/bind';
import { encodeClose } from '../../wire/frontend/close';
import { encodeExecute } from '../../wire/frontend/execute';
import { encodeParse } from '../../wire/frontend/parse';
import { Owed, type ReplyQueue } from '../scan/reply-queue';
import { type Detail } from '../scan/reply-detail';
import { HiddenStatement, type HiddenNames } from './hidden-statement';

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
  const { name } = hidden;
  queue.push(Owed.Parse, hidden, true);
  queue.push(Owed.Bind, undefined, true);
  queue.push(Owed.Execute, detail, true);
  queue.push(Owed.Close, hidden, true);
  return Buffer.concat([
    encodeParse({ statementName: name, query, parameterTypeOids: [] }),
    encodeBind({
      portalName: name,
      statementName: name,
      parameterFormats: [],
      parameters: [],
      resultFormats: [],
    }),
    encodeExecute({ portalName: name, maxRows: 0 }),
    encodeClose({ target: 'statement', name }),
  ]);
}
