/** Configs of the shape that `talosctl gen config` writes (test/fixtures/gen-config, with values of our own): they apply, and what is ignored is listed. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { loadConfig } from '../../../lib/machined/load-config.js';
import { generateSecrets } from '../../../lib/pki/index.js';
import { OsctlHome } from '../osctl/osctl-child.js';

const base64 = (text: string) => Buffer.from(text).toString('base64');

async function fixture(name: string): Promise<string> {
  const file = new URL(`../../../../../test/fixtures/gen-config/${name}.yaml`, import.meta.url);
  const { certs, cluster, machineToken, bootstrapToken, secretboxEncryptionSecret } = await generateSecrets();
  const values: Record<string, string> = {
    MACHINE_TOKEN: machineToken,
    BOOTSTRAP_TOKEN: bootstrapToken,
    SECRETBOX_SECRET: secretboxEncryptionSecret,
    CLUSTER_ID: cluster.id,
    CLUSTER_SECRET: cluster.secret,
    SERVICE_ACCOUNT_KEY: base64(certs.k8sServiceAccount.key),
    ...{ OS_CRT: base64(certs.os.crt), OS_KEY: base64(certs.os.key) },
    ...{ K8S_CRT: base64(certs.k8s.crt), K8S_KEY: base64(certs.k8s.key) },
    ...{ ETCD_CRT: base64(certs.etcd.crt), ETCD_KEY: base64(certs.etcd.key) },
    ...{ AGGREGATOR_CRT: base64(certs.k8sAggregator.crt), AGGREGATOR_KEY: base64(certs.k8sAggregator.key) },
  };
  const text = await readFile(fileURLToPath(file), 'utf8');
  return text.replace(/\b[A-Z][A-Z0-9]*_[A-Z_]+\b/g, (word) => values[word] ?? word);
}

/** Of documents behind the main one. */
const HOSTNAME = '---\napiVersion: v1alpha1\nkind: HostnameConfig\nauto: stable\n';

t.test('they apply, and what this version ignores is listed with its place', async (t) => {
  const ignored: Record<string, string[]> = {
    controlplane: [
      'machine.install',
      'machine.kubelet',
      'machine.features',
      'cluster.apiServer.image',
      'cluster.discovery',
    ],
    worker: ['machine.install', 'machine.kubelet', 'machine.features', 'cluster.discovery'],
  };
  for (const [name, paths] of Object.entries(ignored)) {
    for (const text of [await fixture(name), `${await fixture(name)}${HOSTNAME}`]) {
      const { warnings, config } = loadConfig(text);
      t.equal(config.machine.type, name);
      for (const path of paths) {
        t.ok(
          warnings.some((line) => /line \d+: /.test(line) && line.includes(path)),
          `${name}: ${path}\n${warnings.join('\n')}`,
        );
      }
    }
  }
});

t.test('osctl validate shows the warnings, and is content', async (t) => {
  const home = await OsctlHome.create();
  t.teardown(() => home[Symbol.asyncDispose]());
  for (const name of ['controlplane', 'worker']) {
    const file = await home.write(`${name}.yaml`, await fixture(name));
    const { code, stdout, stderr } = await home.run('validate', '-c', file);
    t.equal(code, 0, stderr);
    t.match(stdout + stderr, /machine\.install/);
  }
});
