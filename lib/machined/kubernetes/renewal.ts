/**
 * Certificates of a control plane that kubeadm or credentials.ts have made: for a year, and kubeadm makes no others by itself. They are issued anew when half of that is over. Keys stay, so
 * that a certificate fits its key at every moment, whatever is cut off; of a file there is the old text or the new one.
 *
 * Not by `kubeadm certs renew`: it writes in place and does not wait for the medium, so a power cut leaves a control plane without its certificate.
 *
 * The kubelet's own is not among them: it renews that itself, on every node.
 */
import { X509Certificate } from 'node:crypto';
import { errorCode, errorMessage } from '../../base/errors.js';
import type { PemPair } from '../../base/secrets-bundle.js';
import { DAY_MS, MIB, YEAR_MS } from '../../base/units.js';
import type { KubernetesConfig } from '../../kube/input.js';
import type { FileDescriptor, FilesModule } from '../../native/contract.js';
import { renewCertificate } from '../../pki/renew.js';
import { FOLDERS } from './folders.js';

export interface RenewalOptions {
  files: Pick<FilesModule, 'openRoot' | 'readFile' | 'replaceFile'>;
  /** With the authorities that the files are of. */
  config: KubernetesConfig;
  /** Of Kubernetes. */
  folder?: string;
  nowMs?: number;
}

export interface Renewal {
  /** Names of files that are others now. */
  renewed: string[];
  /** Why some are not, a sentence each. */
  problems: string[];
}

/** What kubeadm gives them. */
const LIFETIME_MS = YEAR_MS;
const RENEW_BEFORE_MS = LIFETIME_MS / 2;
/** An authority that ends soon gives nothing more; whoever asks each day is not to have it signed each day. */
const LEAST_GAIN_MS = DAY_MS;

const CERTIFICATES = [
  ...['pki/apiserver.crt', 'pki/apiserver-kubelet-client.crt', 'pki/apiserver-etcd-client.crt'],
  ...['pki/front-proxy-client.crt', 'pki/etcd/server.crt', 'pki/etcd/peer.crt', 'pki/etcd/healthcheck-client.crt'],
  ...['controller-manager/tls.crt', 'scheduler/tls.crt'],
];
/** The second one there is since 1.29. */
const KUBECONFIGS = ['admin.conf', 'super-admin.conf', 'controller-manager.conf', 'scheduler.conf'];
const EMBEDDED = /^( *client-certificate-data: *)([A-Za-z0-9+/=]+) *$/m;

/** Issues anew what is due. Rejects only where the folder cannot be opened. */
export async function renewCertificates(options: RenewalOptions): Promise<Renewal> {
  const { files, config, folder = FOLDERS.kubernetes, nowMs = Date.now() } = options;
  const { cluster } = config;
  const authorities = [cluster.ca, cluster.aggregatorCA, cluster.etcd?.ca].filter((pair) => pair !== undefined);
  const result: Renewal = { renewed: [], problems: [] };
  const renew = (pem: string) => renewed(pem, authorities, nowMs);
  const root = await files.openRoot(folder);
  try {
    for (const name of CERTIFICATES) await each(files, root, { name, mode: 0o644, change: renew }, result);
    for (const name of KUBECONFIGS) {
      await each(files, root, { name, mode: 0o600, change: (text) => inKubeconfig(text, renew) }, result);
    }
  } finally {
    root.close();
  }
  return result;
}

interface FileToRenew {
  name: string;
  mode: number;
  /** undefined: it stays. */
  change(text: string): string | undefined;
}

async function each(
  files: RenewalOptions['files'],
  root: FileDescriptor,
  { name, mode, change }: FileToRenew,
  { renewed, problems }: Renewal,
): Promise<void> {
  try {
    const text = change((await files.readFile(root, name, { maxBytes: MIB })).toString('utf8'));
    if (text === undefined) return;
    await files.replaceFile(root, name, Buffer.from(text), { mode });
    renewed.push(name);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') problems.push(`${name} cannot be renewed: ${errorMessage(error)}`);
  }
}

/** undefined: it is not due, or somebody else's. @throws TalosError  it is none */
function renewed(pem: string, authorities: readonly PemPair[], nowMs: number): string | undefined {
  const certificate = new X509Certificate(pem);
  const endMs = Date.parse(certificate.validTo);
  if (endMs - nowMs > RENEW_BEFORE_MS) return undefined;
  const ca = authorities.find(({ crt }) => certificate.verify(new X509Certificate(crt).publicKey));
  if (ca === undefined) return undefined;
  const next = renewCertificate({ ca, certificate: pem, lifetimeMs: LIFETIME_MS, now: nowMs });
  return Date.parse(new X509Certificate(next).validTo) - endMs < LEAST_GAIN_MS ? undefined : next;
}

function inKubeconfig(text: string, renew: (pem: string) => string | undefined): string | undefined {
  const data = EMBEDDED.exec(text)?.[2];
  const next = data === undefined ? undefined : renew(Buffer.from(data, 'base64').toString('utf8'));
  return next && text.replace(EMBEDDED, (_line, before: string) => before + Buffer.from(next).toString('base64'));
}
