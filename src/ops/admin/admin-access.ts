import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { AdminAccessMode } from '../config/admin-schema';
import type { Secret } from '../config/secret';
import { type HttpReply, plainReply } from './http-reply';

export interface AdminAccessOptions {
  readonly access: AdminAccessMode;
  /** undefined: nothing can be changed, whoever asks. */
  readonly token: Secret | undefined;
}

type Headers = IncomingMessage['headers'];

/** Both kinds in which a token may be shown; Basic is the one that browsers ask people for. */
const challenge =
  'Basic realm="pcache: any name, the token as password", charset="UTF-8", Bearer realm="pcache"';

/**
 * Who may look at the operator's port, and who may change something there. A token comes as `Authorization: Bearer`, as the password of Basic, or in a form.
 * Browsers add what they know of a log-in to requests of any site: so what changes something is refused if it comes from another one, token or not.
 */
export class AdminAccess {
  readonly #mode: AdminAccessMode;
  readonly #token: Secret | undefined;

  constructor({ access, token }: AdminAccessOptions) {
    this.#mode = access;
    this.#token = token;
  }

  /** Whether there is a token with which something can be changed. */
  get canChange(): boolean {
    return this.#token !== undefined;
  }

  /** Why somebody may not look; undefined: they may. */
  refusalToRead({ headers }: IncomingMessage): HttpReply | undefined {
    if (this.#mode === 'open') return undefined;
    const shown = shownToken(headers);
    if (shown !== undefined && this.#isRight(shown.token)) return undefined;
    // A browser that is refused with 403 goes on sending what was mistyped; asked again, it asks its user again.
    if (shown !== undefined && shown.scheme === 'bearer') return plainReply(403, 'that is not the token');
    return plainReply(401, 'this takes the token (admin.access: token)', { 'www-authenticate': challenge });
  }

  /** Why somebody may not change anything; undefined: they may. A token in a form comes before one in the headers. */
  refusalToChange(
    { headers }: IncomingMessage,
    form: { get(name: string): string | null },
  ): HttpReply | undefined {
    if (isFromElsewhere(headers)) return plainReply(403, 'requests of other sites change nothing here');
    if (!this.canChange)
      return plainReply(
        403,
        'nothing can be changed here: there is no token (admin.token_env, admin.token_file)',
      );
    const written = form.get('token');
    const token = written === null || written === '' ? shownToken(headers)?.token : written;
    if (token === undefined)
      return plainReply(401, 'this takes the token', { 'www-authenticate': 'Bearer realm="pcache"' });
    return this.#isRight(token) ? undefined : plainReply(403, 'that is not the token');
  }

  /** In a time that tells nothing of the token, nor of its length. */
  #isRight(token: string): boolean {
    return this.#token !== undefined && timingSafeEqual(digestOf(token), digestOf(this.#token.reveal()));
  }
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

function shownToken({
  authorization = '',
}: Headers): { readonly scheme: 'basic' | 'bearer'; readonly token: string } | undefined {
  const [, scheme = '', value = ''] = /^(basic|bearer) +(\S+) *$/i.exec(authorization) ?? [];
  if (scheme === '') return undefined;
  if (scheme.toLowerCase() === 'bearer') return { scheme: 'bearer', token: value };
  const pair = Buffer.from(value, 'base64').toString('utf8');
  return { scheme: 'basic', token: pair.slice(pair.indexOf(':') + 1) };
}

/**
 * Browsers tell where a request that changes something comes from: Sec-Fetch-Site, where the connection counts as safe, and Origin with every POST. Programs
 * send neither, and no site can make a browser leave them out. The scheme is not compared: something that speaks TLS may stand before this server.
 */
function isFromElsewhere({ origin, host, 'sec-fetch-site': site }: Headers): boolean {
  if (typeof site === 'string' && site !== 'same-origin' && site !== 'none') return true;
  return origin !== undefined && origin.replace(/^https?:\/\//, '') !== host;
}
