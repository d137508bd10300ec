import { type GeneratedConfig, generateConfig } from '../../../lib/config/index.js';
import { generateSecrets, issueClientCertificate } from '../../../lib/pki/index.js';

/** Configs of a new cluster, as `osctl cluster create` makes them. */
export async function generated(): Promise<GeneratedConfig & { caCertificate: string }> {
  const secrets = await generateSecrets();
  const admin = await issueClientCertificate({ ca: secrets.certs.os, roles: ['os:admin'] });
  const configs = generateConfig({
    clusterName: 'demo',
    endpoint: 'https://10.5.0.2:6443',
    secrets,
    admin,
    hostname: 'node-1',
    additionalSans: ['192.0.2.7', 'api.example.org'],
  });
  return { ...configs, caCertificate: secrets.certs.os.crt };
}
