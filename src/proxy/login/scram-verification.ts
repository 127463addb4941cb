import { randomBytes } from 'node:crypto';
import { protocolViolation } from '../../errors/pg-error';
import { AuthenticationCode, encodeAuthentication } from '../../wire/backend/authentication';
import {
  decodeSaslInitialResponse,
  encodeSaslInitialResponse,
} from '../../wire/frontend/sasl-initial-response';
import { encodeSaslResponse } from '../../wire/frontend/sasl-response';
import { SaslResponseReader } from '../../wire/frontend/sasl-response-reader';
import { ScramClient } from '../../wire/scram/scram-client';
import { keyBytes } from '../../wire/scram/scram-keys';
import { scramMechanism, ScramServer } from '../../wire/scram/scram-server';
import { parseScramVerifier, type ScramVerifier } from '../../wire/scram/scram-verifier';
import { type ServerFirstMessage } from '../../wire/scram/server-first-message';
import { ownEndPoint, peerEndPoint } from '../session/session-end-points';
import { type VerificationLink } from './verification-link';

/**
 * Where the client's side of a verification stands. Transitions:
 *
 *   relaying  -> mechanism  the server offered SCRAM: the client is offered our own
 *   mechanism -> first      the client chose a mechanism, and kept its first message for later
 *   mechanism, first -> challenge   its first message is here; the server's challenge is waited for
 *   challenge -> final      the challenge was passed on
 *   final     -> proof      the client's proof is here; its verifier is waited for, or the server's challenge
 *   mechanism, first, final -> proof   the client sent what counts as a wrong password
 *   proof     -> verdict    the server was sent a proof, or, if the client's was none, a random one
 *   verdict   -> verified   the server took the proof
 *   any       -> closed     the server refused, or the session ended
 */
export type VerificationPhase =
  'relaying' | 'mechanism' | 'first' | 'challenge' | 'final' | 'proof' | 'verdict' | 'verified' | 'closed';

/** Time is measured, not spent, on a client whose role has no verifier: its proof is computed with this one. */
const noVerifier: ScramVerifier = {
  iterations: 0,
  salt: '',
  storedKey: Buffer.alloc(keyBytes),
  serverKey: Buffer.alloc(keyBytes),
};

/**
 * Holds SCRAM with the client and with the server, each bound to its own TLS connection, where relaying would break (see
 * ChannelBinding). The client proves to us, by the verifier of its role, that it knows the password; from that proof comes
 * ClientKey, by which we prove the same to the server (RFC 5802, section 9 says what else could be done with it; it is wiped
 * at once).
 *
 * The server goes on deciding: pg_hba.conf asks for SCRAM or does not, and who is to be refused is refused by the server,
 * in its words, because it is then sent a proof that is none. Salt and iterations shown to a client are the server's own as
 * well, so that a role that does not exist looks here as it does there.
 */
export class ScramVerification {
  private phase: VerificationPhase = 'relaying';
  private readonly received = new SaslResponseReader();
  private readonly aborter = new AbortController();
  private asServer: ScramServer | undefined;
  private asClient: ScramClient | undefined;
  private challenge: ServerFirstMessage | undefined;
  /** undefined: not found yet. */
  private found: { readonly verifier: ScramVerifier | undefined } | undefined;
  private serverKey: Buffer | undefined;
  private isRefused = false;

  constructor(private readonly link: VerificationLink) {}

  /** Whether what the client sends belongs here. */
  get isUnderway(): boolean {
    return this.phase !== 'relaying' && this.phase !== 'verified' && this.phase !== 'closed';
  }

  /** Whether the server has let the client in. */
  get isVerified(): boolean {
    return this.phase === 'verified';
  }

  /** Whether the client sent more than it was asked for. */
  get isAhead(): boolean {
    return this.isUnderway && !this.isAsking && !this.received.isEmpty;
  }

  /** Begins if SCRAM is among what the server offers: from then on its messages of SASL come here, not to the client. */
  begin(offered: readonly string[]): boolean {
    if (!offered.some((mechanism) => mechanism.startsWith(scramMechanism))) return false;
    const { link } = this;
    this.asServer = new ScramServer(ownEndPoint(link.client), nonce());
    this.asClient = new ScramClient(offered, peerEndPoint(link.upstream), nonce());
    this.phase = 'mechanism';
    const mechanisms = `${this.asServer.mechanisms.join('\0')}\0\0`;
    this.tellClient(AuthenticationCode.SASL, Buffer.from(mechanisms, 'latin1'));
    link.toUpstream.append(encodeSaslInitialResponse(this.asClient.begin()));
    link.toUpstream.flush();
    this.lookUp();
    return true;
  }

  /** Throws PgError 08P01, 28000 or 0A000, in the words of PostgreSQL. */
  clientSent(chunk: Buffer): void {
    this.received.feed(chunk);
    this.readClient();
  }

  /** What the client sent behind its last message of SASL. */
  takeRest(): Buffer {
    return this.received.takeRest();
  }

  /** A message of SASL from the server. Throws PgError 08P01 if it has none to send. */
  serverSent(code: number, data: Buffer): void {
    const { asServer, asClient, serverKey, phase } = this;
    if (code === AuthenticationCode.SASLContinue && asClient !== undefined && this.challenge === undefined) {
      this.challenge = asClient.readChallenge(data);
      this.passChallenge();
      this.prove();
    } else if (code === AuthenticationCode.SASLFinal && phase === 'verdict' && serverKey !== undefined) {
      if (asClient?.isSigned(data, serverKey) !== true) {
        throw protocolViolation('the server could not show that it knows the verifier of the password');
      }
      this.phase = 'verified';
      this.tellClient(AuthenticationCode.SASLFinal, asServer?.sign(serverKey) ?? Buffer.alloc(0));
    } else throw protocolViolation(`the server sent a message of authentication (${String(code)}) unasked`);
  }

  /** Ends what is under way. */
  close(): void {
    if (this.phase !== 'verified') this.phase = 'closed';
    this.aborter.abort();
  }

  private get isAsking(): boolean {
    return this.phase === 'mechanism' || this.phase === 'first' || this.phase === 'final';
  }

  private lookUp(): void {
    const { verifiers, user } = this.link;
    verifiers.find(user, this.aborter.signal).then(
      (text) => {
        if (!this.isUnderway) return;
        this.found = { verifier: text === undefined ? undefined : parseScramVerifier(text) };
        this.link.guard('client', () => this.prove());
      },
      (error: unknown) => {
        if (this.isUnderway) this.link.unavailable(error);
      },
    );
  }

  private readClient(): void {
    while (this.isAsking) {
      const response = this.received.next();
      if (response === undefined) return;
      if (response.kind === 'badLength') {
        this.isRefused = true;
        this.phase = 'proof';
        this.prove();
      } else this.take(response.body);
    }
  }

  private take(body: Buffer): void {
    const { asServer } = this;
    if (asServer === undefined) return;
    if (this.phase === 'final') {
      asServer.readFinal(body);
      this.phase = 'proof';
      this.prove();
      return;
    }
    const data = this.phase === 'first' ? body : this.choose(asServer, body);
    if (data === null) {
      this.phase = 'first';
      this.tellClient(AuthenticationCode.SASLContinue, Buffer.alloc(0));
      return;
    }
    asServer.readFirst(data);
    this.phase = 'challenge';
    this.passChallenge();
  }

  private choose(asServer: ScramServer, body: Buffer): Buffer | null {
    return decodeSaslInitialResponse(body, (mechanism) => asServer.choose(mechanism)).data;
  }

  private passChallenge(): void {
    const { phase, challenge, asServer } = this;
    if (phase !== 'challenge' || challenge === undefined || asServer === undefined) return;
    this.phase = 'final';
    this.tellClient(AuthenticationCode.SASLContinue, asServer.challenge(challenge));
    // It may have sent its next message already, and have guessed our nonce.
    this.link.guard('client', () => this.readClient());
  }

  private prove(): void {
    const { phase, challenge, found, asServer, asClient, link } = this;
    if (phase !== 'proof' || challenge === undefined) return;
    if (asServer === undefined || asClient === undefined) return;
    if (found === undefined && !this.isRefused) return;
    this.phase = 'verdict';
    const { storedKey, serverKey } = found?.verifier ?? noVerifier;
    const clientKey = asServer.recoverClientKey(storedKey);
    const flaw = this.isRefused
      ? 'its message has a length no message has'
      : flawOf(found?.verifier, challenge);
    let response: Buffer;
    if (clientKey === undefined || flaw !== undefined) {
      link.log.info(
        { user: link.user, reason: flaw ?? 'its proof does not fit the verifier' },
        'the server is to refuse a client that was not verified',
      );
      response = asClient.fail(randomBytes(keyBytes));
    } else {
      this.serverKey = serverKey;
      response = asClient.prove(clientKey, storedKey);
    }
    clientKey?.fill(0);
    link.toUpstream.append(encodeSaslResponse(response));
    link.toUpstream.flush();
  }

  private tellClient(code: number, data: Buffer): void {
    const { toClient } = this.link;
    toClient.append(encodeAuthentication({ code, data }));
    toClient.flush();
  }
}

/** Why a verifier cannot be used, for the log. */
function flawOf(verifier: ScramVerifier | undefined, challenge: ServerFirstMessage): string | undefined {
  if (verifier === undefined) {
    return 'its role is unknown, or has no SCRAM verifier, or one that is no longer valid';
  }
  const isCurrent = verifier.salt === challenge.salt && verifier.iterations === challenge.iterations;
  return isCurrent ? undefined : 'the verifier of its role is not the one the server has';
}

function nonce(): string {
  return randomBytes(18).toString('base64');
}
