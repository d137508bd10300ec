/** Makes the credentials of lib/kube/kubeadm/credentials.ts, and the kubelet's serving certificate, where they are missing. What is there, and fits, stays. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { PemPair } from '../../base/secrets-bundle.js';
import { YEAR_MS } from '../../base/units.js';
import type { FileToWrite, KubeadmInput, NodeFacts } from '../../kube/input.js';
import { componentKubeconfigs, servedComponents } from '../../kube/kubeadm/credentials.js';
import { kubeconfigOf } from '../../kube/kubeconfig.js';
import { addressOf } from '../../kube/node-address.js';
import { SERVING } from '../../kube/paths.js';
import type { FileDescriptor, FilesModule } from '../../native/contract.js';
import {
  createCertificateAuthority,
  encodePrivateKey,
  generatePrivateKey,
  issueClientCertificate,
  issueServerCertificate,
  publicKeyDer,
  type ServerNames,
} from '../../pki/index.js';
import { FOLDERS } from './folders.js';
import { textOf, writeFilesInto } from './write-files.js';

type Files = Pick<FilesModule, 'openRoot' | 'makeDirectory' | 'readFile' | 'replaceFile'>;

/** As kubeadm's; renewal.ts issues them anew. */
const LIFETIME_MS = YEAR_MS;
const KIND = 'ecdsa-p256';
const [PRIVATE, PUBLIC] = [0o600, 0o644];

/**
 * Of a control plane.
 * @param options.isFirst  it makes the cluster
 * @param options.folder   of Kubernetes
 */
export async function makeCredentials(options: {
  files: Files;
  input: KubeadmInput;
  isFirst: boolean;
  folder?: string;
}): Promise<void> {
  const { files, input, isFirst, folder = FOLDERS.kubernetes } = options;
  const ca = input.config.cluster.ca ?? { crt: '', key: '' };
  const { nowMs: now } = input.facts;
  const root = await files.openRoot(folder);
  const write = (list: readonly FileToWrite[]) => writeFilesInto(files, root, folder, list);
  try {
    for (const { folder: own, ...names } of servedComponents) {
      const [certificate, key] = [`${own}/${SERVING.certificate}`, `${own}/${SERVING.key}`];
      if (await isPair(files, root, certificate.slice(folder.length + 1), key.slice(folder.length + 1))) continue;
      await write(pairFiles(certificate, key, await serverPair(ca, names, now)));
    }
    for (const { file, clusterName, user, groups, server } of componentKubeconfigs(input, isFirst)) {
      // A cut may have left one of kubeadm's empty.
      if (await textOf(files, root, file)) continue;
      const subject = { roles: groups, commonName: user };
      const client = await issueClientCertificate({ ca, ...subject, kind: KIND, lifetimeMs: LIFETIME_MS, now });
      const text = kubeconfigOf({ clusterName, server, ca: ca.crt, user, entry: user, client });
      await write([{ path: `${folder}/${file}`, mode: PRIVATE, text }]);
    }
  } finally {
    root.close();
  }
}

/**
 * What the kubelet serves with: by an authority that nobody keeps, as the kubelet's own would be, so that nobody can check it; but with keys that are soon made, and
 * for as long as the node is there. To be made while no kubelet runs, which reads it when it starts.
 * @param options.folder  of the kubelet
 */
export async function makeKubeletServing(options: {
  files: Files;
  facts: Pick<NodeFacts, 'hostname' | 'addresses' | 'nowMs'>;
  folder?: string;
}): Promise<void> {
  const { files, facts, folder = FOLDERS.kubelet } = options;
  const { nowMs: now } = facts;
  const name = facts.hostname.toLowerCase();
  const [certificate, key] = ['pki/kubelet.crt', 'pki/kubelet.key'];
  const root = await files.openRoot(folder);
  try {
    if (await isPair(files, root, certificate, key, now + LIFETIME_MS / 2)) return;
    const ca = await createCertificateAuthority({ organization: '', commonName: `${name}-ca`, kind: KIND, now });
    const ipAddresses = facts.addresses.map(addressOf);
    const { crt, key: text } = await serverPair(ca, { dnsNames: [name], ipAddresses }, now);
    const pair = { crt: `${crt}${ca.crt}`, key: text };
    await writeFilesInto(files, root, folder, pairFiles(`${folder}/${certificate}`, `${folder}/${key}`, pair));
  } finally {
    root.close();
  }
}

async function serverPair(ca: PemPair, names: ServerNames, now: number): Promise<PemPair> {
  const key = await generatePrivateKey(KIND);
  const subject = { publicKeyDer: publicKeyDer(key), ...names };
  const crt = await issueServerCertificate({ ca, ...subject, lifetimeMs: LIFETIME_MS, now });
  return { crt, key: encodePrivateKey(key) };
}

const pairFiles = (certificate: string, key: string, pair: PemPair): FileToWrite[] => [
  { path: key, mode: PRIVATE, text: pair.key },
  { path: certificate, mode: PUBLIC, text: pair.crt },
];

/** Whether both are there, and one is of the other. @param untilMs  when it has to be valid still; undefined: that is somebody else's to see to */
async function isPair(
  files: Files,
  root: FileDescriptor,
  certificate: string,
  key: string,
  untilMs = Number.NEGATIVE_INFINITY,
): Promise<boolean> {
  const [crt, text] = [await textOf(files, root, certificate), await textOf(files, root, key)];
  if (crt === undefined || text === undefined) return false;
  try {
    const parsed = new X509Certificate(crt);
    return parsed.checkPrivateKey(createPrivateKey(text)) && Date.parse(parsed.validTo) > untilMs;
  } catch {
    // Not what it is called: it is made anew.
    return false;
  }
}
