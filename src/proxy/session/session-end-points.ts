import { type Socket } from 'node:net';
import { TLSSocket, type PeerCertificate } from 'node:tls';
import { serverEndPoint } from '../../wire/scram/server-end-point';

/** What SCRAM binds to on a client's connection: the certificate we showed on it. undefined without TLS. */
export function ownEndPoint(client: Socket): Buffer | undefined {
  return client instanceof TLSSocket ? endPointOf(client.getCertificate()) : undefined;
}

/** What SCRAM binds to on a connection to the server: the certificate it showed. undefined without TLS. */
export function peerEndPoint(upstream: Socket | undefined): Buffer | undefined {
  return upstream instanceof TLSSocket ? endPointOf(upstream.getPeerCertificate()) : undefined;
}

function endPointOf(certificate: PeerCertificate | object | null): Buffer | undefined {
  const hasBytes = certificate !== null && 'raw' in certificate && Buffer.isBuffer(certificate.raw);
  return hasBytes ? serverEndPoint(certificate.raw) : undefined;
}
