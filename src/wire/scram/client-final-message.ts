import { PgError, protocolViolation, SqlState } from '../../errors/pg-error';
import { malformed, ScramAttributes } from './scram-attributes';
import { keyBytes } from './scram-keys';

/** client-final-message (RFC 5802, section 7). */
export interface ClientFinalMessage {
  readonly withoutProof: string;
  readonly nonce: string;
  readonly proof: Buffer;
}

/**
 * Reads the message, with the checks of PostgreSQL and in its words: throws PgError 08P01 or 28000.
 *
 * @param binding what its attribute `c` has to be
 * @param isPlus whether that is bound to a certificate
 */
export function decodeClientFinal(text: string, binding: string, isPlus: boolean): ClientFinalMessage {
  const attributes = new ScramAttributes(text);
  if (attributes.value('c') !== binding) {
    throw isPlus
      ? new PgError(SqlState.InvalidAuthorization, 'SCRAM channel binding check failed', {
          severity: 'FATAL',
        })
      : protocolViolation('unexpected SCRAM channel-binding attribute in client-final-message');
  }
  const nonce = attributes.value('r');
  let end = attributes.position - 1;
  let last = attributes.any();
  while (last.attribute !== 'p') {
    end = attributes.position - 1;
    last = attributes.any();
  }
  const proof = decodeProof(last.value);
  if (proof === undefined) throw malformed('Malformed proof in client-final-message.');
  if (!attributes.isAtEnd) throw malformed('Garbage found at the end of client-final-message.');
  return { withoutProof: text.slice(0, end), nonce, proof };
}

function decodeProof(text: string): Buffer | undefined {
  const proof = /^[A-Za-z0-9+/]{43}=$/.test(text) ? Buffer.from(text, 'base64') : undefined;
  return proof?.length === keyBytes ? proof : undefined;
}
