/** What `osctl gen ca|key|csr|crt|keypair` does, apart from its definitions. Files and flags are those of talosctl. */
import { createHash, X509Certificate } from 'node:crypto';
import { readText } from '../base/read-file.js';
import {
  createCertificateAuthority,
  decodePrivateKey,
  encodePrivateKey,
  generatePrivateKey,
  issueClientCertificateFor,
  issueServerCertificate,
  publicKeyDer,
} from '../pki/index.js';
import { createSigningRequest, readSigningRequest } from '../pki/signing-request.js';
import { UsageError } from './exit.js';
import type { Io } from './io.js';
import { writeNewFiles } from './new-file.js';

interface Forceful {
  force?: boolean;
}

export async function genCa(
  io: Io,
  options: { organization: string; lifetimeMs: number; rsa?: boolean } & Forceful,
): Promise<void> {
  const { organization, lifetimeMs, rsa, force = false } = options;
  const ca = await createCertificateAuthority({ organization, lifetimeMs, kind: rsa ? 'rsa-4096' : 'ed25519' });
  const spki = new X509Certificate(ca.crt).publicKey.export({ type: 'spki', format: 'der' });
  await writeNewFiles(
    io,
    [
      { path: `${organization}.crt`, text: ca.crt, isSecret: false },
      // In the form of kubeadm's discovery: digest of the public key.
      { path: `${organization}.sha256`, text: createHash('sha256').update(spki).digest('hex'), isSecret: false },
      { path: `${organization}.key`, text: ca.key, isSecret: true },
    ],
    force,
  );
}

export async function genKey(io: Io, { name, force = false }: { name: string } & Forceful): Promise<void> {
  const text = encodePrivateKey(await generatePrivateKey('ed25519'));
  await writeNewFiles(io, [{ path: `${name}.key`, text, isSecret: true }], force);
}

export async function genCsr(io: Io, options: { key: string; ip: string; roles?: string[] } & Forceful): Promise<void> {
  const key = await readText(options.key);
  const text = await createSigningRequest({ key, roles: options.roles ?? [], ipAddresses: [options.ip] });
  await writeNewFiles(
    io,
    [{ path: `${options.key.replace(/\.key$/, '')}.csr`, text, isSecret: false }],
    options.force ?? false,
  );
}

/** A request with roles becomes a client certificate, one without a server certificate: no certificate of ours is both. */
export async function genCrt(
  io: Io,
  options: { ca: string; csr: string; name: string; lifetimeMs: number } & Forceful,
): Promise<void> {
  const [crt, key, csr] = await Promise.all(
    [`${options.ca}.crt`, `${options.ca}.key`, options.csr].map((file) => readText(file)),
  );
  const ca = { crt: crt as string, key: key as string };
  const request = await readSigningRequest(csr as string);
  const { lifetimeMs } = options;
  if (request.organizations.length === 0 && request.dnsNames.length + request.ipAddresses.length === 0) {
    throw new UsageError('the request asks for neither a role nor a name or address');
  }
  const text =
    request.organizations.length > 0
      ? await issueClientCertificateFor({
          ca,
          publicKeyDer: request.publicKeyDer,
          roles: request.organizations,
          lifetimeMs,
        })
      : await issueServerCertificate({ ca, ...request, lifetimeMs });
  await writeNewFiles(io, [{ path: `${options.name}.crt`, text, isSecret: false }], options.force ?? false);
}

export async function genKeypair(io: Io, options: { ip: string; organization: string } & Forceful): Promise<void> {
  const ca = await createCertificateAuthority({ organization: options.organization });
  const key = await generatePrivateKey('ed25519');
  const crt = await issueServerCertificate({
    ca,
    publicKeyDer: publicKeyDer(key),
    dnsNames: [],
    ipAddresses: [options.ip],
  });
  decodePrivateKey(ca.key);
  const name = options.organization;
  await writeNewFiles(
    io,
    [
      { path: `${name}.crt`, text: crt + ca.crt, isSecret: false },
      { path: `${name}.key`, text: encodePrivateKey(key), isSecret: true },
    ],
    options.force ?? false,
  );
}
