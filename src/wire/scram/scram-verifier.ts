/** What a server keeps of a password to verify SCRAM-SHA-256 by (RFC 5803; `rolpassword` of pg_authid). */
export interface ScramVerifier {
  readonly iterations: number;
  /** In base64, as it stands in the verifier and goes over the wire. */
  readonly salt: string;
  readonly storedKey: Buffer;
  readonly serverKey: Buffer;
}

const keyText = '([A-Za-z0-9+/]{43}=)';
const form = new RegExp(`^SCRAM-SHA-256\\$([0-9]{1,10}):([A-Za-z0-9+/]+={0,2})\\$${keyText}:${keyText}$`);

/** Reads `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>`; undefined for anything else. */
export function parseScramVerifier(text: string): ScramVerifier | undefined {
  const [, iterations, salt, storedKey, serverKey] = form.exec(text) ?? [];
  if (iterations === undefined || salt === undefined || storedKey === undefined || serverKey === undefined) {
    return undefined;
  }
  return {
    iterations: Number(iterations),
    salt,
    storedKey: Buffer.from(storedKey, 'base64'),
    serverKey: Buffer.from(serverKey, 'base64'),
  };
}
