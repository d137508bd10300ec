import t, { type Test } from 'tap';
import { parseDocument } from 'yaml';
import { type ApplyRequest, ConfigKeeper } from '../../../lib/machined/config-keeper.js';
import { type LoadedConfig, loadConfig } from '../../../lib/machined/load-config.js';
import { createCertificateAuthority } from '../../../lib/pki/index.js';
import { FakeClock } from '../init/fake-clock.js';
import { generated } from './fixtures.js';

/** A node with a config, and what is done with it. */
async function node(t: Test) {
  const { controlplane } = await generated();
  const done: string[] = [];
  const state: { live: LoadedConfig | undefined; stored: string; storing: () => Promise<void> } = {
    live: undefined,
    stored: '',
    storing: async () => {},
  };
  const clock = new FakeClock();
  /** Host name of each config that was put in force, as whoever is told then sees it. */
  const changes: (string | undefined)[] = [];
  const keeper: ConfigKeeper = new ConfigKeeper({
    activate: async (next) => {
      state.live = next;
      done.push('activate');
      return [];
    },
    store: async (text) => {
      await state.storing();
      state.stored = text;
      done.push('store');
    },
    remember: async () => void done.push('remember'),
    changed: () => void changes.push(keeper.running.hostname),
    reboot: () => void done.push('reboot'),
    notice: (text) => void done.push(text),
    after: (delayMs, callback) => clock.after(delayMs, callback),
  });
  await keeper.begin(loadConfig(controlplane));
  done.length = 0;
  const apply = (text: string, change: Partial<ApplyRequest> = {}) =>
    keeper.apply({ text, mode: 'AUTO', isDryRun: false, tryTimeoutMs: 0, caller: '192.0.2.1:5', ...change });
  t.teardown(() => apply(controlplane, { mode: 'NO_REBOOT' }));
  return { keeper, state, done, changes, clock, apply, controlplane };
}

function edited(text: string, path: (string | number)[], value: unknown): string {
  const document = parseDocument(text);
  document.setIn(path, value);
  return document.toString();
}
const HOSTNAME = ['machine', 'network', 'hostname'];

t.test('auto: what the running node takes is applied at once and stored', async (t) => {
  const { keeper, state, done, changes, apply, controlplane } = await node(t);
  const text = edited(controlplane, HOSTNAME, 'node-2');
  const { mode, details, warnings } = await apply(text);
  t.same([mode, details, warnings], ['NO_REBOOT', 'applied without a reboot', []]);
  t.equal(state.live?.hostname, 'node-2');
  t.equal(state.stored, text);
  t.equal(keeper.running.hostname, 'node-2');
  t.same(done.slice(0, 3), ['store', 'activate', 'remember']);
  t.same(changes, ['node-2'], 'told when it is in force');
  t.match(done[3], /machine config of 192\.0\.2\.1:5: applied without a reboot; changed: machine\.network\.hostname/);
  t.match((await apply(text)).details, /no changes/);
});

t.test('auto: what needs a reboot is stored, and the node reboots', async (t) => {
  const { state, done, apply, controlplane } = await node(t);
  const text = edited(controlplane, ['machine', 'token'], 'aaaaaa.bbbbbbbbbbbbbbbb');
  t.match(await apply(text), { mode: 'REBOOT' });
  t.equal(state.stored, text);
  t.same([done[0], done.at(-1)], ['store', 'reboot']);
  t.notOk(done.includes('activate'));
  t.notMatch(done.join(), /aaaaaa/, 'no secret in the log');
});

t.test('no-reboot and try are refused with the parts that need one', async (t) => {
  const { done, apply, controlplane } = await node(t);
  const text = edited(controlplane, ['machine', 'type'], 'worker');
  for (const mode of ['NO_REBOOT', 'TRY'] as const) {
    await t.rejects(apply(text, { mode }), { kind: 'FAILED_PRECONDITION', message: /need a reboot: machine\.type;/ });
  }
  const dhcp = `${controlplane}---\napiVersion: v1alpha1\nkind: DHCPv4Config\nname: eth0\n`;
  t.match(await apply(dhcp, { isDryRun: true }), { mode: 'NO_REBOOT' }, 'the network changes without one');
  t.match(await apply(dhcp, { isDryRun: true, mode: 'TRY' }), { mode: 'TRY' });
  t.same(done, []);
});

t.test('staged: stored and nothing else; the running config stays what it was', async (t) => {
  const { keeper, state, done, apply, controlplane } = await node(t);
  const text = edited(controlplane, HOSTNAME, 'node-2');
  t.match(await apply(text, { mode: 'STAGED' }), { mode: 'STAGED', details: 'stored for the next boot' });
  t.equal(state.stored, text);
  t.equal(keeper.running.hostname, 'node-1');
  t.same(done.slice(0, -1), ['store']);
});

t.test('a dry run says what would happen, with a diff, and does nothing', async (t) => {
  const { done, apply, controlplane } = await node(t);
  const answer = await apply(edited(controlplane, HOSTNAME, 'node-2'), { isDryRun: true });
  t.equal(answer.mode, 'NO_REBOOT');
  t.match(answer.details, /dry run, nothing was changed; without it: applied without a reboot\n\n--- running config\n/);
  t.match(answer.details, /^-.*hostname: node-1\n\+.*hostname: node-2$/m);
  t.match((await apply(controlplane, { isDryRun: true })).details, /no changes/);
  t.same(done, []);
});

t.test('a try is taken back when its time is up', async (t) => {
  const { keeper, state, done, clock, apply, controlplane } = await node(t);
  const answer = await apply(edited(controlplane, HOSTNAME, 'node-2'), { mode: 'TRY', tryTimeoutMs: 50 });
  t.match(answer, { mode: 'TRY', details: /applied for a try, taken back after 50 ms unless applied again/ });
  t.equal(state.live?.hostname, 'node-2');
  await clock.advance(49);
  // A second try extends the first; what is gone back to is what was before both.
  await apply(edited(controlplane, HOSTNAME, 'node-3'), { mode: 'TRY', tryTimeoutMs: 60 });
  await clock.advance(59);
  t.equal(keeper.running.hostname, 'node-3');
  await clock.advance(1);
  t.equal(keeper.running.hostname, 'node-1');
  t.equal(state.live?.hostname, 'node-1');
  t.notOk(done.includes('store') || done.includes('remember'));
  t.match(done.at(-1), /is taken back/);
});

t.test('a try that is applied again stays', async (t) => {
  const { keeper, clock, apply, controlplane } = await node(t);
  const text = edited(controlplane, HOSTNAME, 'node-2');
  await apply(text, { mode: 'TRY', tryTimeoutMs: 40 });
  await apply(text, { isDryRun: true });
  await apply(text);
  t.equal(clock.armed, 0);
  await clock.advance(80);
  t.equal(keeper.running.hostname, 'node-2');
});

t.test('time for a try has bounds', async (t) => {
  const { apply, controlplane } = await node(t);
  for (const tryTimeoutMs of [-1, 3_600_001, Number.NaN]) {
    await t.rejects(apply(controlplane, { mode: 'TRY', tryTimeoutMs }), {
      name: 'ControlError',
      kind: 'INVALID_ARGUMENT',
    });
  }
});

t.test('one at a time', async (t) => {
  const { state, apply, controlplane } = await node(t);
  let free = () => {};
  const first = await new Promise<{ applied: ReturnType<typeof apply> }>((isStoring) => {
    state.storing = () =>
      new Promise((resolve) => {
        free = resolve;
        isStoring({ applied });
      });
    const applied = apply(controlplane);
  });
  await t.rejects(apply(controlplane), {
    kind: 'FAILED_PRECONDITION',
    message: /another configuration is being applied/,
  });
  free();
  await first.applied;
  state.storing = async () => {};
  await apply(controlplane);
});

t.test('a disk that cannot be written', async (t) => {
  const { keeper, state, done, apply, controlplane } = await node(t);
  state.storing = async () => {
    throw new Error('the config disk is read-only');
  };
  const text = edited(controlplane, HOSTNAME, 'node-2');
  for (const mode of ['STAGED', 'REBOOT'] as const) {
    await t.rejects(apply(text, { mode }), {
      kind: 'FAILED_PRECONDITION',
      message: 'the config cannot be stored: the config disk is read-only',
    });
  }
  t.same(done, []);
  t.match((await apply(text)).warnings, [/lost at the next reboot.*the config disk is read-only/]);
  t.equal(keeper.running.hostname, 'node-2');
  state.storing = async () => {};
});

t.test('a config that is not valid: every problem with path and line, no value', async (t) => {
  const { done, apply, controlplane } = await node(t);
  const other = await createCertificateAuthority();
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  const noCertificate = base64('-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n');
  const cases: [string, RegExp][] = [
    ['', /the machine config has no document with version/],
    [
      edited(edited(controlplane, ['machine', 'colour'], 'blue'), ['machine', 'token'], 'x'),
      /machine\.token.*machine\.colour/,
    ],
    [edited(controlplane, HOSTNAME, `${'a'.repeat(60)}.${'b'.repeat(60)}`), /machine\.network\.hostname: .*at most 64/],
    [
      edited(controlplane, ['machine', 'ca', 'key'], base64(other.key)),
      /line \d+: machine\.ca\.key: is not the private key/,
    ],
    [
      edited(controlplane, ['machine', 'ca', 'crt'], noCertificate),
      /machine\.ca\.crt: this is not an X\.509 certificate/,
    ],
    [edited(controlplane, ['machine', 'acceptedCAs'], [{ crt: noCertificate }]), /machine\.acceptedCAs\[0\]\.crt/],
    [
      edited(controlplane, ['machine', 'acceptedCAs'], [{ crt: base64(other.crt + other.crt) }]),
      /must hold one certificate/,
    ],
  ];
  for (const [text, message] of cases) {
    await t.rejects(apply(text), { kind: 'INVALID_ARGUMENT', message }, String(message));
  }
  t.same(done, []);
});
