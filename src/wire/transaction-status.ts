/** The server's transaction status, as ReadyForQuery tells it. */
export type TransactionStatus = 'idle' | 'inTransaction' | 'failed';

const idle = 0x49; // I
const inTransaction = 0x54; // T
const failed = 0x45; // E

/** Reads the status byte; undefined if it is none. */
export function readTransactionStatus(byte: number | undefined): TransactionStatus | undefined {
  switch (byte) {
    case idle:
      return 'idle';
    case inTransaction:
      return 'inTransaction';
    case failed:
      return 'failed';
    default:
      return undefined;
  }
}

export function transactionStatusByte(status: TransactionStatus): number {
  return status === 'idle' ? idle : status === 'inTransaction' ? inTransaction : failed;
}
