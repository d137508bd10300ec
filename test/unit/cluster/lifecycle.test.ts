/** Creation, show and destruction with a stand-in for QEMU on the PATH; real guests are in test/vm. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { createCluster } from '../../../lib/cluster/create.js';
import { destroyCluster } from '../../../lib/cluster/destroy.js';
import { isRunning } from '../../../lib/cluster/process-identity.js';
import { listClusters, showCluster } from '../../../lib/cluster/show.js';

/** A home of its own, and a `qemu-system-x86_64` that runs the given shell code. */
function stage(t: Test, qemu: string) {
  const home = t.testdir({ bin: {} });
  const program = join(home, 'bin', 'qemu-system-x86_64');
  writeFileSync(program, `#!/bin/sh\n${qemu}\n`);
  chmodSync(program, 0o755);
  const oldPath = process.env.PATH;
  process.env.PATH = `${join(home, 'bin')}:${oldPath}`;
  t.teardown(() => {
    process.env.PATH = oldPath;
  });
  const environment = { HOME: home, TALOS_HOME: join(home, 'talos'), TALOSCONFIG: join(home, 'config') };
  const options = {
    kernel: '/k',
    initramfs: '/i',
    rootDisk: '/r',
    rootHash: 'ab',
    accelerator: 'tcg' as const,
    environment,
  };
  return { home, environment, options };
}

/** The program `creation.js` with that home and that QEMU. */
function creation(t: Test, environment: NodeJS.ProcessEnv, ...words: string[]) {
  const program = fileURLToPath(new URL('creation.js', import.meta.url));
  const child = spawn(process.execPath, [program, ...words], {
    env: { ...environment, PATH: process.env.PATH },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  return child;
}

/** Processes that have their working folder in a cluster, by their ids. */
function processesOf(environment: { TALOS_HOME: string }): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readlinkSync(`/proc/${pid}/cwd`).startsWith(environment.TALOS_HOME);
    } catch {
      return false;
    }
  });
}

/** Waits for the console log (its path is in QEMU's arguments), writes a boot into it, and stays. */
const BOOTING = `
for word in "$@"; do case "$word" in *path=*) log=\${word#*path=}; log=\${log%,append=on};; esac; done
printf 'Linux version 6\\n[talos] init started\\n[talos] phase osd-listening\\n' >> "$log"
exec sleep 60`;

t.test('create, show, destroy', async (t) => {
  const { environment, options } = stage(t, BOOTING);
  const said: string[] = [];
  const targets: string[] = [];
  const state = await createCluster({
    ...options,
    name: 'one',
    onProgress: (text) => said.push(text),
    probe: async (target) => {
      targets.push(target.endpoint);
      t.match(target.ca, /BEGIN CERTIFICATE/);
      if (targets.length === 1) throw new Error('not yet');
    },
  });
  const [node] = state.nodes;
  if (!node) throw new Error('no node');
  t.equal(targets.length, 2, 'asked again after a refusal');
  t.equal(targets[0], node.endpoint);
  t.ok((node.apiReadyMs ?? 0) > 0);
  t.same(
    node.phases?.map((phase) => phase.name),
    ['kernel', 'init', 'osd'],
  );
  t.ok(said.some((text) => /QEMU/.test(text)));
  t.match(readFileSync(environment.TALOSCONFIG, 'utf8'), /^context: one$/m);

  const view = await showCluster('one', environment);
  t.equal(view.nodes[0]?.state, 'running');
  t.equal(view.nodes[0]?.pid, node.process.pid);
  await t.rejects(createCluster({ ...options, name: 'one' }), { code: 'ERR_CLUSTER_EXISTS' });
  t.ok(isRunning(node.process), 'the refused creation did not touch it');

  await destroyCluster('one', { environment });
  t.notOk(isRunning(node.process));
  t.same(await listClusters(environment), []);
  t.notMatch(readFileSync(environment.TALOSCONFIG, 'utf8'), /endpoints/);
  await t.rejects(destroyCluster('one', { environment }), { code: 'ERR_NO_CLUSTER' });
});

t.test('a client config that is named gets the context, and the usual one is left alone', async (t) => {
  const { home, environment, options } = stage(t, BOOTING);
  const talosconfig = join(home, 'mine');
  const state = await createCluster({ ...options, name: 'two', talosconfig });
  t.equal(state.talosconfig, talosconfig);
  t.match(readFileSync(talosconfig, 'utf8'), /^context: two$/m);
  t.notOk(existsSync(environment.TALOSCONFIG));
  await destroyCluster('two', { environment });
  t.notMatch(readFileSync(talosconfig, 'utf8'), /endpoints/, 'and is known when it goes');
});

t.test('QEMU that ends at once: its words, and nothing left behind', async (t) => {
  const { environment, options } = stage(t, 'echo "qemu: could not set up host forwarding" >&2; exit 1');
  const probe = () => new Promise<void>(() => {});
  await t.rejects(createCluster({ ...options, name: 'gone', probe }), {
    code: 'ERR_QEMU_ENDED',
    message: /ended with code 1: qemu: could not set up host forwarding/,
  });
  t.same(readdirSync(join(environment.TALOS_HOME, 'clusters')), []);
  if (existsSync(environment.TALOSCONFIG)) t.notMatch(readFileSync(environment.TALOSCONFIG, 'utf8'), /endpoints/);
});

t.test('an API that never answers: the end of the console, and nothing left behind', async (t) => {
  const { environment, options } = stage(t, BOOTING);
  const probe = async () => {
    throw new Error('connection refused');
  };
  await t.rejects(createCluster({ ...options, name: 'mute', probe, waitTimeoutMs: 500 }), {
    code: 'ERR_API_TIMEOUT',
    message: /did not answer within 500 ms: connection refused\nend of its console:\n[\s\S]*phase osd-listening/,
  });
  t.same(readdirSync(join(environment.TALOS_HOME, 'clusters')), []);
});

t.test('no QEMU on the machine', async (t) => {
  const { environment, options } = stage(t, '');
  process.env.PATH = '/usr/sbin';
  await t.rejects(createCluster({ ...options, name: 'none' }), { code: 'ERR_QEMU', message: /is not installed/ });
  t.same(readdirSync(join(environment.TALOS_HOME, 'clusters')), []);
});

t.test('a creation that is killed half-way: destroy ends what it had started', async (t) => {
  const { environment } = stage(t, BOOTING);
  const child = creation(t, environment, 'half', 'killed');
  t.same(await once(child, 'close'), [null, 'SIGKILL']);
  t.equal(processesOf(environment).length, 2, 'the switch and the first node run on');
  t.match(await showCluster('half', environment), { state: 'incomplete', nodes: [] });
  await destroyCluster('half', { environment });
  t.same(processesOf(environment), []);
  t.same(await listClusters(environment), []);
});

t.test('a creation that is interrupted takes back what it has made', async (t) => {
  const { environment } = stage(t, BOOTING);
  const child = creation(t, environment, 'cut', 'waiting');
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  await once(child.stdout, 'data');
  t.match(readFileSync(environment.TALOSCONFIG, 'utf8'), /^context: cut$/m);
  t.equal(processesOf(environment).length, 3);
  child.kill('SIGINT');
  t.same(await once(child, 'close'), [1, null]);
  t.match(said, /^(waiting\n)+interrupted by SIGINT\n$/);
  t.same(processesOf(environment), []);
  t.same(await listClusters(environment), []);
  t.notMatch(readFileSync(environment.TALOSCONFIG, 'utf8'), /endpoints/);
});

t.test('a client config that cannot be changed keeps its context, and no node', async (t) => {
  const { environment, options } = stage(t, BOOTING);
  await createCluster({ ...options, name: 'kept', workers: 1 });
  writeFileSync(environment.TALOSCONFIG, 'context: [');
  const left: string[] = [];
  await destroyCluster('kept', { environment, onLeft: (text) => left.push(text) });
  t.same(processesOf(environment), []);
  t.same(await listClusters(environment), []);
  t.equal(left.length, 1);
  t.match(left[0], `context kept is left in ${environment.TALOSCONFIG}: `);
});
