import { protocolViolation } from '../errors/pg-error';
import { type EncryptionRequest } from '../wire/startup/encryption-request';

/** Which ways to encrypt a client was refused. The server takes each request once, and the second for a protocol version. */
export class EncryptionRefusals {
  private readonly kinds = new Set<EncryptionRequest['kind']>();

  /** The byte that refuses. Throws PgError 08P01 if it was refused before. */
  answer(kind: EncryptionRequest['kind']): string {
    if (this.kinds.has(kind))
      throw protocolViolation('unsupported frontend protocol', `${kind} was sent twice.`);
    this.kinds.add(kind);
    return 'N';
  }
}
