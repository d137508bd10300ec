/** Manifests of a control plane's machine config, over the real API: what is in the config is in the cluster, and what cannot be is told. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Test } from 'tap';
import { parseDocument } from 'yaml';
import { withDeadline } from '../../../lib/base/abort.js';
import { type JsonObject, type KubeClient, textAt, watchList } from '../../../lib/kube/api/index.js';
import { readConfigDisk } from '../credentials.js';
import { seconds } from '../deadline.js';
import type { TestHome } from '../node.js';

const MAPS = '/api/v1/namespaces/demo/configmaps';
const PATIENCE_MS = seconds(120);

interface ServiceRow {
  health: string;
  lastMessage: string;
}

/** In an order in which the API would not take them. */
const contents = (text: string) => `apiVersion: v1
kind: ConfigMap
metadata: {name: greeting, namespace: demo}
data: {text: ${text}}
---
apiVersion: v1
kind: Namespace
metadata: {name: demo}
`;

export interface ControlPlane {
  readonly endpoint: string;
  readonly configDisk: string;
}

/** @param client  of the administrator */
export async function manifestsAreApplied(
  t: Test,
  { home, control, client }: { home: TestHome; control: ControlPlane; client: KubeClient },
): Promise<void> {
  const original = await readConfigDisk(control.configDisk);
  const apply = async (inlineManifests: object[]) => {
    const document = parseDocument(original);
    document.setIn(['cluster', 'inlineManifests'], document.createNode(inlineManifests));
    const file = join(home.folder, 'manifests.yaml');
    await writeFile(file, document.toString());
    const { stdout } = await home.succeed(['-n', control.endpoint, 'apply-config', '-f', file], PATIENCE_MS);
    t.match(stdout, /applied without a reboot/);
  };
  await apply([{ name: 'demo', contents: contents('one') }]);
  t.equal(await greeting(client, 'one'), 'one');
  await apply([{ name: 'demo', contents: contents('two') }]);
  t.equal(await greeting(client, 'two'), 'two');

  const events = home.stream('-n', control.endpoint, 'events', '--tail', '-1');
  try {
    const bad = 'apiVersion: example.org/v1\nkind: Thing\nmetadata: {name: custom}\n';
    await apply([{ name: 'thing', contents: bad }]);
    const pattern = /inline manifest thing: Thing custom: the cluster has no kind "Thing" in "example\.org\/v1"/;
    await events.until(PATIENCE_MS, 'it is told', () => events.lines.some(({ text }) => pattern.test(text)));
    const kubelet = await home.json<ServiceRow>('-n', control.endpoint, 'service', 'kubelet');
    t.match(kubelet.lastMessage, pattern);
    t.not(kubelet.health, 'OK');
    await apply([]);
    const well = () => events.lines.at(-1)?.text.includes('the kubelet is healthy') === true;
    await events.until(PATIENCE_MS, 'nothing is missing any more', well);
  } finally {
    await events.stop();
  }
  t.equal(await greeting(client, 'two'), 'two', 'what is gone from the config stays in the cluster');
}

/** What the object says, as soon as it says that; else the last of it. */
async function greeting(client: KubeClient, wanted: string): Promise<string> {
  const found = new AbortController();
  let text = 'nothing';
  const select = (object: JsonObject) =>
    textAt(object, 'metadata', 'name') === 'greeting' ? textAt(object, 'data', 'text') : undefined;
  const changed = (texts: readonly string[]) => {
    text = texts[0] ?? text;
    if (text === wanted) found.abort();
  };
  const options = { client, resource: { path: MAPS }, select, changed, problem: () => {} };
  await withDeadline(PATIENCE_MS, [found.signal], (ends) => watchList(options, ends)).catch(() => {});
  return text;
}
