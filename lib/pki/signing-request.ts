/** Signing requests (PKCS #10), as `talosctl gen csr` and `gen crt` know them. Nothing on a node needs them. */
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import {
  Pkcs10CertificateRequest,
  Pkcs10CertificateRequestGenerator,
  SubjectAlternativeNameExtension,
} from '@peculiar/x509';
import { TalosError } from '../base/errors.js';
import { assertIp } from './issue.js';
import { checkPublicKeyDer, decodePrivateKey, signingAlgorithm, toCryptoKeyPair } from './keys.js';
import { addressForm } from './x509.js';

/** Makes a signing request (PEM) with the roles as Organization and the addresses as alternative names, as talosctl's does. */
export async function createSigningRequest(options: {
  key: string;
  roles: string[];
  ipAddresses: string[];
}): Promise<string> {
  const key = decodePrivateKey(options.key);
  for (const address of options.ipAddresses) assertIp(address);
  const names = options.ipAddresses.map((address) => ({ type: 'ip' as const, value: addressForm(address) }));
  const request = await Pkcs10CertificateRequestGenerator.create(
    {
      name: options.roles.length === 0 ? [] : [{ O: options.roles }],
      keys: (await toCryptoKeyPair(key)) as never,
      signingAlgorithm: signingAlgorithm(key),
      extensions: names.length === 0 ? [] : [new SubjectAlternativeNameExtension(names)],
    },
    webcrypto as never,
  );
  return `${request.toString('pem')}\n`;
}

/** What a signing request asks for, its signature checked; it is up to the caller what of it to grant. */
export interface SigningRequest {
  publicKeyDer: Buffer;
  organizations: string[];
  ipAddresses: string[];
  dnsNames: string[];
}

/**
 * Reads a signing request.
 * @throws ERR_PKI_REQUEST  malformed, or not signed by the key that it carries
 */
export async function readSigningRequest(pem: string): Promise<SigningRequest> {
  let request: Pkcs10CertificateRequest;
  try {
    request = new Pkcs10CertificateRequest(pem);
    if (!(await request.verify(webcrypto as never))) throw new Error('the signature does not match');
  } catch (cause) {
    throw new TalosError('ERR_PKI_REQUEST', 'this is not a certificate signing request, or its signature is wrong', {
      cause,
    });
  }
  const names = Array.from(request.extensions).flatMap((extension) =>
    extension instanceof SubjectAlternativeNameExtension ? Array.from(extension.names.toJSON()) : [],
  );
  return {
    publicKeyDer: checkPublicKeyDer(Buffer.from(request.publicKey.rawData)),
    organizations: request.subjectName.toJSON().flatMap((rdn) => rdn.O ?? []),
    ipAddresses: names.flatMap((name) => (name.type === 'ip' ? name.value : [])),
    dnsNames: names.flatMap((name) => (name.type === 'dns' ? name.value : [])),
  };
}
