import { createHash } from 'node:crypto';

/** Digests by the signature algorithms that imply them. MD5 and SHA-1 count as SHA-256 (RFC 5929, section 4.1). */
const digestOfSignature: Readonly<Record<string, string>> = {
  '1.2.840.113549.1.1.4': 'sha256', // md5WithRSAEncryption
  '1.2.840.113549.1.1.5': 'sha256', // sha1WithRSAEncryption
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
  '1.2.840.113549.1.1.14': 'sha224',
  '1.2.840.10040.4.3': 'sha256', // dsa-with-sha1
  '2.16.840.1.101.3.4.3.1': 'sha224', // dsa-with-…
  '2.16.840.1.101.3.4.3.2': 'sha256',
  '1.2.840.10045.4.1': 'sha256', // ecdsa-with-SHA1
  '1.2.840.10045.4.3.1': 'sha224',
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
};

/** RSASSA-PSS says it in its parameters; SHA-1 is the default. */
const rsassaPss = '1.2.840.113549.1.1.10';
const digestOfPss: Readonly<Record<string, string>> = {
  '1.3.14.3.2.26': 'sha256', // SHA-1
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
  '2.16.840.1.101.3.4.2.4': 'sha224',
};

const tag = { objectIdentifier: 0x06, sequence: 0x30, hashAlgorithm: 0xa0 } as const;

/**
 * The data SCRAM binds to a certificate, which comes in DER: its hash, by the digest of its own signature. undefined if that
 * has none, as Ed25519, for which RFC 5929 knows no binding, or is not known here.
 */
export function serverEndPoint(certificate: Buffer): Buffer | undefined {
  const digest = signatureDigest(certificate);
  return digest === undefined ? undefined : createHash(digest).update(certificate).digest();
}

function signatureDigest(certificate: Buffer): string | undefined {
  const [, algorithm] = children(children(certificate)[0]?.content ?? Buffer.alloc(0));
  if (algorithm?.tag !== tag.sequence) return undefined;
  const [identifier, parameters] = children(algorithm.content);
  if (identifier?.tag !== tag.objectIdentifier) return undefined;
  const name = readIdentifier(identifier.content);
  if (name !== rsassaPss) return digestOfSignature[name];
  const hash = children(parameters?.content ?? Buffer.alloc(0)).find(
    (item) => item.tag === tag.hashAlgorithm,
  );
  if (hash === undefined) return 'sha256';
  const [hashIdentifier] = children(children(hash.content)[0]?.content ?? Buffer.alloc(0));
  return hashIdentifier === undefined ? undefined : digestOfPss[readIdentifier(hashIdentifier.content)];
}

interface Element {
  readonly tag: number;
  readonly content: Buffer;
}

/** The elements in a piece of DER; those that end behind its end are left out. */
function children(der: Buffer): Element[] {
  const elements: Element[] = [];
  let at = 0;
  while (at + 2 <= der.length) {
    const lengthByte = der.readUInt8(at + 1);
    const lengthBytes = lengthByte < 0x80 ? 0 : lengthByte & 0x7f;
    const start = at + 2 + lengthBytes;
    if (lengthBytes > 4 || start > der.length) break;
    const length = lengthBytes === 0 ? lengthByte : der.readUIntBE(at + 2, lengthBytes);
    if (start + length > der.length) break;
    elements.push({ tag: der.readUInt8(at), content: der.subarray(start, start + length) });
    at = start + length;
  }
  return elements;
}

/** An OBJECT IDENTIFIER with dots. */
function readIdentifier(content: Buffer): string {
  const arcs: number[] = [];
  let arc = 0;
  for (const byte of content) {
    arc = arc * 128 + (byte & 0x7f);
    if (byte >= 0x80) continue;
    if (arcs.length === 0) {
      const first = Math.min(Math.floor(arc / 40), 2);
      arcs.push(first, arc - 40 * first);
    } else arcs.push(arc);
    arc = 0;
  }
  return arcs.join('.');
}
