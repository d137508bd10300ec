/** Calls that give somebody a certificate of the cluster's authorities. What is issued is logged; keys never are. */
import { networkInterfaces } from 'node:os';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { formatDuration, YEAR_MS } from '../../base/units.js';
import { stringifyClientConfig } from '../../config/index.js';
import { ControlError } from '../../control/errors.js';
import { common, machine } from '../../gen/machine/machine.js';
import { MachineServiceDefinition as api } from '../../gen/machine/service.js';
import { ADMINISTRATOR, kubeconfigOf } from '../../kube/kubeconfig.js';
import { isKnownRole, issueClientCertificate, ROLE_NAMES } from '../../pki/index.js';
import type { LoadedConfig } from '../load-config.js';
import { reachableAddresses } from '../server-names.js';
import { durationMs } from './configuration.js';
import { TAR_END, tarHeader, tarPadding } from './files/tar-blocks.js';
import { stream, unary } from './query.js';
import type { QuerySources } from './sources.js';

const DEFAULT_CLUSTER_NAME = 'talos';
const MAX_LIFETIME_MS = YEAR_MS;

type Sources = Pick<QuerySources, 'config' | 'log'>;

export function credentialQueries({ config, log }: Sources) {
  return {
    ...unary(api.GenerateClientConfiguration, machine.GenerateClientConfiguration, async (request, { caller }) => {
      const { running } = config;
      const { ca } = running.identity;
      needControlPlane(running, ca.key);
      const roles = checkRoles(request.roles ?? []);
      const lifetimeMs = checkLifetime(request.crtTtl);
      const client = await issueClientCertificate({ ca, roles, lifetimeMs });
      log(`issued a client certificate with ${roles.join(', ')} for ${formatDuration(lifetimeMs)} to ${caller}`);
      const name = clusterName(running);
      const base64 = (pem: string) => Buffer.from(pem).toString('base64');
      const context = {
        endpoints: reachableAddresses(networkInterfaces()),
        ca: base64(running.identity.acceptedCas),
        crt: base64(client.crt),
        key: base64(client.key),
      };
      return {
        ca: Buffer.from(running.identity.acceptedCas),
        crt: Buffer.from(client.crt),
        key: Buffer.from(client.key),
        talosconfig: Buffer.from(stringifyClientConfig({ context: name, contexts: { [name]: context } })),
      };
    }),
  };
}

export function credentialStreams({ config, log }: Sources) {
  return {
    ...stream(api.Kubeconfig, common.Data, async function* (_request, { caller }) {
      const { running } = config;
      const { ca, controlPlane } = running.config.cluster;
      needControlPlane(running, ca?.key ?? '');
      const client = await issueClientCertificate({
        ca: { crt: ca?.crt ?? '', key: ca?.key ?? '' },
        ...ADMINISTRATOR,
        lifetimeMs: MAX_LIFETIME_MS,
      });
      log(`issued a Kubernetes administrator's certificate for ${formatDuration(MAX_LIFETIME_MS)} to ${caller}`);
      const text = kubeconfigOf({
        clusterName: clusterName(running),
        server: controlPlane.endpoint,
        ca: ca?.crt ?? '',
        user: ADMINISTRATOR.commonName,
        client,
      });
      yield { bytes: await promisify(gzip)(archiveOf('kubeconfig', Buffer.from(text))) };
    }),
  };
}

/** Only a control plane holds the authorities' keys, and only it may use them for others. */
function needControlPlane({ config }: LoadedConfig, key: string): void {
  if (config.machine.type !== 'controlplane') {
    throw new ControlError('FAILED_PRECONDITION', 'this node is a worker: ask a control plane node');
  }
  if (key === '') {
    throw new ControlError('FAILED_PRECONDITION', "the machine config has no private key of the cluster's authority");
  }
}

function clusterName({ config }: LoadedConfig): string {
  return config.cluster.clusterName ?? DEFAULT_CLUSTER_NAME;
}

function checkRoles(roles: readonly string[]): string[] {
  const unknown = roles.find((role) => !isKnownRole(role));
  if (roles.length > 0 && unknown === undefined) return [...new Set(roles)];
  const what = unknown === undefined ? 'a certificate needs a role' : `no role ${JSON.stringify(unknown)}`;
  throw new ControlError('INVALID_ARGUMENT', `${what}: there are ${ROLE_NAMES.join(', ')}`);
}

function checkLifetime(duration: Parameters<typeof durationMs>[0]): number {
  if (!duration) return MAX_LIFETIME_MS;
  const lifetimeMs = durationMs(duration);
  if (lifetimeMs > 0 && lifetimeMs <= MAX_LIFETIME_MS) return lifetimeMs;
  throw new ControlError(
    'INVALID_ARGUMENT',
    'the lifetime of a client certificate must be above 0 and at most one year',
  );
}

/** A tar archive of one file that is for its owner only. */
function archiveOf(path: string, content: Buffer): Buffer {
  const header = tarHeader({
    type: 'File',
    path,
    mode: 0o600,
    uid: 0,
    gid: 0,
    modifiedMs: Date.now(),
    sizeBytes: content.length,
  });
  return Buffer.concat([header, content, tarPadding(content.length), TAR_END]);
}
