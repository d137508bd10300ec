/** The file for network plugins, and what of a Node becomes the network of pods. */
import { mkdirSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import type { KubernetesConfig } from '../../../../lib/kube/input.js';
import { PodNetwork, podCidrProblem } from '../../../../lib/machined/kubernetes/pod-network.js';
import { loadNative } from '../../../../lib/native/index.js';

const { files } = loadNative();
const openFolder = files.openRoot;

function config(network: object = {}): KubernetesConfig {
  return { machine: { type: 'worker' }, cluster: { controlPlane: { endpoint: 'https://10.5.0.2:6443' }, network } };
}

t.test('it is written when there is a network, anew when there is another one, and once', async (t) => {
  const folder = t.testdir();
  const lines: string[] = [];
  const rules: string[] = [];
  const network = new PodNetwork({
    ...{ files, openFolder, folder, config: () => config(), log: (text) => void lines.push(text) },
    async masquerade(list) {
      t.equal((await readdir(folder)).length, Math.min(rules.length, 1), 'before the plugins know of the network');
      rules.push(list.map(({ text }) => text).join());
    },
  });
  network.take([]);
  await network.settled();
  t.strictSame(await readdir(folder), [], 'none is assigned yet');
  network.take(['10.244.3.0/24']);
  network.take(['10.244.3.0/24']);
  network.take([]);
  await network.settled();
  const [name = '', ...others] = await readdir(folder);
  t.match(name, /\.conflist$/);
  t.strictSame(others, []);
  t.match(await readFile(join(folder, name), 'utf8'), /"subnet": "10\.244\.3\.0\/24"/);
  network.take(['10.244.4.0/24']);
  network.take(['10.244.5.0/24']);
  await network.settled();
  t.match(await readFile(join(folder, name), 'utf8'), /"subnet": "10\.244\.5\.0\/24"/, 'the newest stays');
  network.take(['0.0.0.0/0']);
  await network.settled();
  t.match(await readFile(join(folder, name), 'utf8'), /"subnet": "10\.244\.5\.0\/24"/);
  t.strictSame(
    lines.slice(0, -1),
    [3, 4, 5].map((part) => `pods of this node have the network 10.244.${part}.0/24`),
  );
  t.strictSame(
    rules.map((text) => /-s (\S+) -j MASQUERADE/.exec(text)?.[1]),
    [3, 4, 5].map((part) => `10.244.${part}.0/24`),
  );
  t.match(lines.at(-1), /has the network "0\.0\.0\.0\/0" for its pods, which is not in cluster\.network\.podSubnets/);
});

t.test('a cluster that brings its own gets none, and what cannot be written is tried again', async (t) => {
  const folder = t.testdir();
  const masquerade = async () => {};
  const own = new PodNetwork({
    ...{ files, openFolder, folder },
    config: () => config({ cni: { name: 'none' } }),
    masquerade,
    log: () => {},
  });
  own.take(['10.244.3.0/24']);
  await own.settled();
  t.strictSame(await readdir(folder), []);
  const lines: string[] = [];
  let written = () => {};
  const there = new Promise<void>((resolve) => {
    written = resolve;
  });
  const late = join(folder, 'late');
  const nowhere = new PodNetwork({
    ...{ files, openFolder },
    folder: late,
    masquerade,
    config: () => config(),
    retryMs: 1,
    log(text) {
      lines.push(text);
      if (lines.length === 2) mkdirSync(late);
      if (/have the network/.test(text)) written();
    },
  });
  nowhere.take(['10.244.3.0/24']);
  // The timer alone keeps no process.
  const alive = setInterval(() => {}, 1000);
  await there;
  clearInterval(alive);
  t.equal(lines.filter((text) => /was not written: /.test(text)).length, 2);
  t.equal((await readdir(late)).length, 1);
});

t.test("a network of pods that is nobody's to give", (t) => {
  const subnets = ['10.244.0.0/16', 'fd00::/48'];
  for (const fine of [['10.244.3.0/24'], ['10.244.0.0/16'], ['10.244.3.0/24', 'fd00:0:0:3::/64'], []]) {
    t.equal(podCidrProblem(fine, subnets), undefined);
  }
  for (const bad of [
    ...['0.0.0.0/0', '10.5.0.0/24', '10.244.0.0/15', '::/0', '10.244.1.0', '10.244.1.0/24/3', '10.244.1.0/x'],
    ...['fe80::1%eth0/64', '', '10.244.1.0/33', '10.244.1.0/-1'],
  ]) {
    t.match(podCidrProblem(['10.244.3.0/24', bad], subnets), /is not in cluster\.network\.podSubnets/, bad);
  }
  t.end();
});
