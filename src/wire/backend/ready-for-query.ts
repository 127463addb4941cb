import { BackendCode } from '../message-code';
import { MessageReader } from '../message-reader';
import { encodeMessage, uint8 } from '../message-writer';
import { readTransactionStatus, transactionStatusByte, type TransactionStatus } from '../transaction-status';

/** ReadyForQuery (B): the server waits for the next statement. */
export interface ReadyForQuery {
  readonly kind: 'ReadyForQuery';
  readonly transactionStatus: TransactionStatus;
}

/** Decodes a body, by default the whole buffer. */
export function decodeReadyForQuery(body: Buffer, start = 0, end = body.length): ReadyForQuery {
  const reader = new MessageReader(body, 'ReadyForQuery', start, end);
  const transactionStatus = readTransactionStatus(reader.uint8());
  reader.finish();
  if (transactionStatus === undefined) throw reader.malformed('it has an unknown transaction status');
  return { kind: 'ReadyForQuery', transactionStatus };
}

export function encodeReadyForQuery({ transactionStatus }: Omit<ReadyForQuery, 'kind'>): Buffer {
  return encodeMessage(BackendCode.ReadyForQuery, uint8(transactionStatusByte(transactionStatus)));
}
