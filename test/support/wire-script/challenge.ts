import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import type { WireMessage } from '../wire-client';

const md5Code = 5;
const saslContinueCode = 11;
const clientNonce = 'rOprNGfwEbeRWgbNEkqO';

/** What the client of a script says first in SCRAM, without channel binding. */
export const scramFirst = `n,,n=,r=${clientNonce}`;

/** The last question of a server that asks for a password: the answer depends on it, and it is another every time. */
export class Challenge {
  private code = 0;
  private data = Buffer.alloc(0);

  /** Notes the question, if there is one in these messages. */
  note(messages: readonly WireMessage[]): void {
    for (const { type, body } of messages) {
      if (type !== 'R' || body.length < 4) continue;
      this.code = body.readInt32BE(0);
      this.data = Buffer.from(body.subarray(4));
    }
  }

  /** The password as AuthenticationMD5Password wants it. */
  md5(user: string, password: string): string {
    if (this.code !== md5Code) throw new Error('the server has not asked for an MD5 password');
    const inner = md5(Buffer.from(password + user));
    return `md5${md5(Buffer.concat([Buffer.from(inner), this.data]))}`;
  }

  /** The client's last word in SCRAM-SHA-256 (RFC 5802), for what it said first in `scramFirst`. */
  scram(password: string): string {
    if (this.code !== saslContinueCode) throw new Error('the server has not begun SCRAM');
    const serverFirst = this.data.toString('latin1');
    const attributes = new Map(serverFirst.split(',').map((part) => [part[0], part.slice(2)]));
    const salt = Buffer.from(attributes.get('s') ?? '', 'base64');
    const salted = pbkdf2Sync(password, salt, Number(attributes.get('i')), 32, 'sha256');
    const clientKey = hmac(salted, 'Client Key');
    const withoutProof = `c=biws,r=${attributes.get('r') ?? ''}`;
    const authMessage = `${scramFirst.slice('n,,'.length)},${serverFirst},${withoutProof}`;
    const signature = hmac(createHash('sha256').update(clientKey).digest(), authMessage);
    const proof = Buffer.from(clientKey.map((byte, i) => byte ^ (signature[i] ?? 0)));
    return `${withoutProof},p=${proof.toString('base64')}`;
  }
}

function md5(bytes: Buffer): string {
  return createHash('md5').update(bytes).digest('hex');
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
