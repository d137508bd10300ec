/**
 * The real init as PID 1 of namespaces of its own, with real processes: what it spawns, supervises, reaps, answers, and how it ends.
 * Needs root and a cgroup2 mount, as CI has.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';

const HERE = dirname(fileURLToPath(import.meta.url));
const UNSHARE = ['--pid', '--mount', '--net', '--uts', '--ipc', '--fork', '--mount-proc'];
const DEADLINE_MS = 60_000;

/** Leaves twenty processes behind; those that end at once become orphans of PID 1, the others are killed with the cgroup. */
const ORPHANS = 'i=0; while [ $i -lt 10 ]; do (sleep 0.1 &) ; (sleep 1000 &) ; i=$((i+1)); done; sleep 0.5';

interface Outcome {
  code: number | null;
  signal: NodeJS.Signals | null;
  output: string;
}

function cgroup2Root(): string {
  const line = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .find((mount) => mount.split(' ')[2] === 'cgroup2');
  const root = line?.split(' ')[1];
  if (!root) throw new Error('this host has no cgroup2 mount');
  return root;
}

/** Starts init in namespaces with these services; resolves when it has ended. */
async function runInit(t: Test, services: Record<string, Record<string, unknown>>): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'talos-init-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  for (const [id, fields] of Object.entries(services)) {
    writeFileSync(join(folder, `${id}.json`), JSON.stringify({ id, ...fields }));
  }
  const cgroup = join(cgroup2Root(), `talos-test-${process.pid}-${Date.now()}`);
  t.teardown(() => removeGroups(cgroup, Object.keys(services)));
  const child = spawn('unshare', [...UNSHARE, process.execPath, join(HERE, 'namespace-init.js'), folder, cgroup], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
  }
  const timer = setTimeout(() => child.kill('SIGKILL'), DEADLINE_MS);
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  clearTimeout(timer);
  return { code, signal, output };
}

function removeGroups(root: string, ids: string[]): void {
  for (const path of [...ids.map((id) => `system/${id}`), 'system', 'init', 'podruntime/shim', 'podruntime', '']) {
    if (existsSync(join(root, path))) rmdirSync(join(root, path));
  }
}

const shell = (script: string, more: Record<string, unknown> = {}) => ({
  file: '/bin/sh',
  argv: ['sh', '-c', script],
  env: { PATH: '/usr/bin:/bin' },
  ...more,
});

t.setTimeout(2 * DEADLINE_MS);

t.test('init supervises, reaps, answers and goes down', async (t) => {
  const reportFile = join(t.testdir({}), 'report.json');
  const { signal, output } = await runInit(t, {
    osd: {
      order: 1,
      file: process.execPath,
      argv: ['osd', join(HERE, 'namespace-peer.js'), reportFile],
      env: { NAME: 'value', ...(process.env.ADDON_PATH && { ADDON_PATH: process.env.ADDON_PATH }) },
      capabilities: [],
      rlimits: { nofile: { soft: 1000, hard: 1000 } },
      control: true,
    },
    crasher: shell('echo starting; echo "it is full" >&2; exit 3'),
    once: shell('echo hello; exit 0', { restart: 'on-failure' }),
    sleeper: shell('exec sleep 1000'),
    stubborn: shell('trap "" TERM; while true; do sleep 0.2; done', { stopTimeoutMs: 300, order: 500 }),
    orphans: shell(ORPHANS, { restart: 'never' }),
  });
  t.equal(signal, 'SIGINT', `the kernel's sign that PID 1 asked for power-off\n${output}`);
  const report = JSON.parse(readFileSync(reportFile, 'utf8'));

  t.match(report.cgroup, /\/talos-test-\d+-\d+\/system\/osd\n/, 'born in its own cgroup');
  t.equal(report.capabilities, '0000000000000000');
  t.equal(report.noNewPrivileges, '1');
  t.match(report.environment, { NAME: 'value' });
  t.notOk('PATH' in report.environment, 'nothing is inherited');
  t.ok(report.openFiles.includes(3));

  t.match(report.crasher, { lastLogLine: 'it is full' });
  t.match(JSON.stringify(report.crasher.events), /Ended: exit code 3, last line: it is full; starting again in 0.25 s/);
  t.match(JSON.stringify(report.crasher.events), /last line: it is full; starting again in 0.5 s/);
  t.notMatch(JSON.stringify(report.crasher.events), /SIGKILL/, 'a new run is not born into a killed cgroup');
  t.match(report.once, { state: 'Finished', pid: 0, restarts: 0, lastLogLine: '' });
  t.equal(report.onceLog, 'hello\n');
  t.match(report.sleeper, { state: 'Finished', pid: 0 });
  t.same(report.zombies, []);

  t.match(report.initLog, /init started: v/);
  t.match(report.initLog, /phase services done in \d+\.\d ms \(uptime \d+\.\d{3} s\)/);
  t.match(report.initLog, /boot done \(uptime/);
  t.match(report.initLog, /reaped \d+ orphans \(\d+ since boot\)/);
  const reaped = [...report.initLog.matchAll(/reaped \d+ orphans \((\d+) since boot\)/g)].at(-1)?.[1];
  t.ok(Number(reaped) >= 20, `${reaped} orphans were reaped`);

  t.same(report.unknown, {
    kind: 'NOT_FOUND',
    message: 'no service "nobody"; there are: init, osd, crasher, once, orphans, sleeper, stubborn',
  });
  t.match(report.denied, { kind: 'PERMISSION_DENIED' });
  t.match(report.connect, { kind: 'NOT_FOUND' });
  const end = JSON.parse(readFileSync(`${reportFile}.end`, 'utf8'));
  t.same(end.events, [{ kind: 'shuttingDown' }], 'osd was told, and ended in order');
});

t.test('SIGINT restarts', async (t) => {
  const { signal, output } = await runInit(t, { interrupt: shell('kill -INT 1; sleep 100', { stopTimeoutMs: 100 }) });
  t.equal(signal, 'SIGHUP', `the kernel's sign that PID 1 asked for a restart\n${output}`);
});

t.test('a boot that fails goes down by itself, with a countdown', async (t) => {
  const cgroup = cgroup2Root();
  const startedMs = performance.now();
  const child = spawn('unshare', [
    ...UNSHARE,
    process.execPath,
    join(HERE, 'namespace-init.js'),
    '/nowhere',
    join(cgroup, `talos-test-${process.pid}-fail`),
  ]);
  t.teardown(() => removeGroups(join(cgroup, `talos-test-${process.pid}-fail`), []));
  const [, signal] = await once(child, 'close');
  t.equal(signal, 'SIGHUP');
  t.ok(performance.now() - startedMs > 10_000, 'time to read the reason');
});
