import {
  AuthenticationCode,
  decodeAuthentication,
  encodeAuthentication,
} from '../../wire/backend/authentication';
import {
  decodeResponseFields,
  encodeResponseFields,
  ResponseField,
} from '../../wire/backend/response-fields';
import { BackendCode } from '../../wire/message-code';

const hint =
  'The client bound its password to the certificate of the proxy, the server to its own. Give the proxy the same ' +
  'certificate and key as the server, or let it verify passwords itself (auth.mode: verify), or use no TLS on one of the ' +
  'two legs, or channel_binding=disable at the client.';

/**
 * SCRAM binds a log-in to the certificate of the TLS connection it happens on (RFC 5929, tls-server-end-point); a proxy
 * makes two of one. Relayed as it is, it works where both ends see the same certificate, or neither offers it:
 *
 *   client plain, server TLS   the server offers SCRAM-SHA-256-PLUS, which libpq takes for an attack on a connection
 *                              without TLS: it is left out. The client then says it knows no binding, which is true.
 *   client TLS, server plain   the server offers no binding; fine, unless the client insists on it
 *   both                       relayed; with different certificates the server refuses, and a hint is added that says why
 *
 * Where the proxy verifies SCRAM itself, none of this arises: see ScramVerification.
 */
export class ChannelBinding {
  private isUnderway = false;

  constructor(
    private readonly isClientEncrypted: boolean,
    private readonly isUpstreamEncrypted: boolean,
  ) {}

  /** What the client is to get instead of a message of the server; undefined: the message itself. Throws PgError 08P01. */
  replace(code: number, buffer: Buffer, start: number, end: number): Buffer | undefined {
    if (!this.isUpstreamEncrypted) return undefined;
    if (code === BackendCode.Authentication) return this.authentication(buffer, start, end);
    if (code === BackendCode.ErrorResponse && this.isUnderway) return this.explain(buffer, start, end);
    return undefined;
  }

  private authentication(buffer: Buffer, start: number, end: number): Buffer | undefined {
    const { code, data } = decodeAuthentication(buffer, start + 5, end);
    this.isUnderway = code === AuthenticationCode.SASL || code === AuthenticationCode.SASLContinue;
    if (code !== AuthenticationCode.SASL || this.isClientEncrypted) return undefined;
    const offered = data.toString('latin1').split('\0');
    const kept = offered.filter((mechanism) => !mechanism.endsWith('-PLUS'));
    if (kept.length === offered.length) return undefined;
    return encodeAuthentication({ code, data: Buffer.from(kept.join('\0'), 'latin1') });
  }

  /** 28000 between the offer and the end of SCRAM is about the binding; a wrong password is 28P01. */
  private explain(buffer: Buffer, start: number, end: number): Buffer | undefined {
    if (!this.isClientEncrypted) return undefined;
    const { kind, fields } = decodeResponseFields('ErrorResponse', buffer, start + 5, end);
    if (fields.get(ResponseField.SqlState) !== '28000' || fields.has(ResponseField.Hint)) return undefined;
    return encodeResponseFields({ kind, fields: new Map([...fields, [ResponseField.Hint, hint]]) });
  }
}
