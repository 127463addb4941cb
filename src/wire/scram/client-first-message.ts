import { PgError, protocolViolation, SqlState } from '../../errors/pg-error';
import { malformed, printableCharacter, printableText, ScramAttributes } from './scram-attributes';

/** client-first-message (RFC 5802, section 7). */
export interface ClientFirstMessage {
  /** p: bound to the channel. y: could be, but thinks the server cannot. n: cannot, or does not want to. */
  readonly bindingFlag: 'p' | 'y' | 'n';
  /** What goes into the AuthMessage: all behind the GS2 header. */
  readonly bare: string;
  readonly nonce: string;
}

/** The one kind of channel binding PostgreSQL has (RFC 5929). */
export const bindingType = 'tls-server-end-point';

/**
 * Reads the message, with the checks of PostgreSQL and in its words: throws PgError 08P01, 28000 or 0A000.
 *
 * @param isPlus the client chose SCRAM-SHA-256-PLUS
 * @param canBind it could have
 */
export function decodeClientFirst(text: string, isPlus: boolean, canBind: boolean): ClientFirstMessage {
  const attributes = new ScramAttributes(text);
  const bindingFlag = readBindingFlag(attributes, isPlus, canBind);
  if (attributes.next === 'a') {
    throw notSupported('client uses authorization identity, but it is not supported');
  }
  if (attributes.next !== ',') {
    const found = printableCharacter(attributes.next);
    throw malformed(`Unexpected attribute "${found}" in client-first-message.`);
  }
  attributes.skip();
  const bare = text.slice(attributes.position);
  if (bare.startsWith('m')) throw notSupported('client requires an unsupported SCRAM extension');
  // The name is not looked at: the role is that of the StartupMessage.
  attributes.value('n');
  const nonce = attributes.value('r');
  if (/[^\x21-\x7e]/.test(nonce)) throw protocolViolation('non-printable characters in SCRAM nonce');
  // Extensions that are not mandatory.
  while (!attributes.isAtEnd) attributes.any();
  return { bindingFlag, bare, nonce };
}

function readBindingFlag(
  attributes: ScramAttributes,
  isPlus: boolean,
  canBind: boolean,
): ClientFirstMessage['bindingFlag'] {
  const flag = attributes.next;
  if (flag === 'p') {
    if (!isPlus) {
      throw malformed(
        'The client selected SCRAM-SHA-256 without channel binding, but the SCRAM message includes channel binding data.',
      );
    }
    const type = attributes.value('p');
    if (type !== bindingType) {
      throw protocolViolation(`unsupported SCRAM channel-binding type "${printableText(type)}"`);
    }
    return 'p';
  }
  if (flag !== 'n' && flag !== 'y') {
    throw malformed(`Unexpected channel-binding flag "${printableCharacter(flag)}".`);
  }
  if (isPlus) {
    throw malformed(
      'The client selected SCRAM-SHA-256-PLUS, but the SCRAM message does not include channel binding data.',
    );
  }
  // It was not told of a mechanism that is there: somebody in between may have left that out.
  if (flag === 'y' && canBind) {
    throw new PgError(SqlState.InvalidAuthorization, 'SCRAM channel binding negotiation error', {
      severity: 'FATAL',
      detail:
        'The client supports SCRAM channel binding but thinks the server does not.  However, this server does support channel binding.',
    });
  }
  attributes.skip();
  if (attributes.next !== ',') {
    throw malformed(`Comma expected, but found character "${printableCharacter(attributes.next)}".`);
  }
  attributes.skip();
  return flag;
}

function notSupported(message: string): PgError {
  return new PgError(SqlState.FeatureNotSupported, message, { severity: 'FATAL' });
}
