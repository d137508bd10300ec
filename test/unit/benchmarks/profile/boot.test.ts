import t from 'tap';
import { bootChart } from '../../../../benchmarks/profile/boot-chart.js';
import { type BootRecords, bootSteps } from '../../../../benchmarks/profile/boot-steps.js';
import { processTable } from '../../../../benchmarks/profile/process-table.js';
import { hasAnswered } from '../../../../benchmarks/profile/service-events.js';

const at = (second: string) => `2026-11-30T10:00:${second}Z`;

/** osd listens 9 s after QEMU's start, at an uptime of 7 s, at 10:00:30. */
const RECORDS: BootRecords = {
  phases: [
    { name: 'kernel', atMs: 500 },
    { name: 'stage0', atMs: 2000 },
    { name: 'root', atMs: 3000 },
    { name: 'init', atMs: 5000 },
    { name: 'cgroups', atMs: 5600, isDetail: true },
    { name: 'osd', atMs: 9000 },
  ],
  console: `[    0.000000] Linux version 6
[    3.600000] [talos] phase cgroups done in 250.0 ms (uptime 3.500 s)
[    3.900000] [talos] phase hostname failed after 125.0 ms (uptime 4.000 s): no
[    7.000000] [talos] phase osd-listening on port 50000 (uptime 7.000 s)
`,
  initLog: `${at('29.000')} info service osd: Starting
${at('30.000')} notice phase osd-listening on port 50000 (uptime 7.000 s)
${at('55.000')} notice phase osd-listening on port 50000 (uptime 32.000 s)
`,
  services: [
    {
      id: 'late',
      events: [
        { state: 'Starting', message: 'Starting', time: at('35.000') },
        { state: 'Running', message: 'Started with process id 400', time: at('35.500') },
        { state: 'Running', message: 'Ready', time: at('36.000') },
      ],
    },
    {
      id: 'containerd',
      events: [
        { state: 'Waiting', message: 'Waiting for the volumes', time: at('29.000') },
        { state: 'Starting', message: 'Starting', time: at('31.000') },
        { state: 'Running', message: 'Started with process id 300', time: at('31.250') },
        { state: 'Running', message: 'containerd 1.7.24 answers on its socket', time: at('34.500') },
        { state: 'Running', message: 'and something else', time: at('40.000') },
      ],
    },
    { id: 'never', events: [{ state: 'Waiting', message: 'Waiting', time: at('29.000') }] },
    {
      id: 'silent',
      events: [
        { state: 'Starting', message: 'Starting', time: at('31.000') },
        { state: 'Running', message: 'Started with process id 7', time: at('31.250') },
      ],
    },
    {
      id: 'dead',
      events: [
        { state: 'Starting', message: 'Starting', time: at('31.000') },
        { state: 'Running', message: 'Started with process id 8', time: at('31.250') },
        { state: 'Failed', message: 'Stopped: exit code 1', time: at('31.500') },
      ],
    },
  ],
};

t.test('all clocks become that of the host', async (t) => {
  t.strictSame(bootSteps(RECORDS), [
    { group: 'boot', name: 'until kernel', from: 0, until: 0.5 },
    { group: 'boot', name: 'until stage0', from: 0.5, until: 2 },
    { group: 'boot', name: 'until root', from: 2, until: 3 },
    { group: 'boot', name: 'until init', from: 3, until: 5 },
    { group: 'PID 1', name: 'cgroups', from: 5.25, until: 5.5 },
    { group: 'PID 1', name: 'hostname', from: 5.875, until: 6 },
    { group: 'services', name: 'containerd', from: 10, startedAt: 10.25, until: 13.5 },
    { group: 'services', name: 'late', from: 14, startedAt: 14.5, until: 15 },
  ]);
});

t.test('without the line that sets the clocks there is nothing to draw', async (t) => {
  const refused = (change: Partial<BootRecords>, message: RegExp) =>
    t.throws(() => bootSteps({ ...RECORDS, ...change }), { code: 'ERR_BOOT_RECORDS', message });
  refused({ initLog: '' }, /^the log init does not have/);
  refused({ console: RECORDS.console.split('\n').slice(0, 3).join('\n') }, /^the console does not have/);
  refused({ phases: [] }, /^the console does not have/);
});

t.test('a row a step, on one scale', async (t) => {
  const svg = bootChart('a & b', bootSteps(RECORDS), { label: 'ready', seconds: 10 });
  const scale = (1100 - 190 - 90) / 15;
  const bars = [...svg.matchAll(/<rect x="([\d.]+)" y="\d+" width="([\d.]+)"[^>]*><title>([^<:]+(?:: \w+)?): /g)].map(
    ([, x, width, name]) => [
      name,
      Math.round((Number(x) - 190) / scale / 0.05) * 0.05,
      Math.round(Number(width) / scale / 0.05) * 0.05,
    ],
  );
  t.equal(bars.length, 10, 'a service has two');
  t.strictSame(bars[0], ['until kernel', 0, 0.5]);
  t.strictSame(bars[6], ['service: containerd', 10, 0.25]);
  t.strictSame(bars[7], ['service: containerd', 10.25, 3.25]);
  t.match(svg, 'a &amp; b');
  t.notMatch(svg, /NaN|Infinity|undefined/);
  t.throws(() => bootChart('', [], { label: '', seconds: 1 }), RangeError);
});

t.test('a service has answered when it has said how it is, well or not', async (t) => {
  const lines = [
    'osctl: a word',
    '{"payload":null}',
    '{"payload":{"stage":"BOOTING"}}',
    '{"payload":{"service":"a","action":"RUNNING"}}',
    '{"payload":{"service":"b","action":"RUNNING","healthy":false}}',
  ].map((text) => ({ text }));
  t.equal(hasAnswered(lines, 'a'), false);
  t.equal(hasAnswered(lines, 'b'), true);
});

t.test('processes by their CPU time, the threads of the kernel together', async (t) => {
  const process = (pid: number, cpuTime: number, args: string) => ({
    pid,
    cpuTime,
    args,
    executable: '',
    command: 'x',
  });
  const table = processTable([
    process(1, 0.5, 'init'),
    process(2, 0.25, ''),
    process(3, 0.5, ''),
    process(90, 1.5, 'osd'),
    process(91, 0, 'idle'),
  ]);
  t.strictSame(table.trimEnd().split('\n'), [
    '   CPU s     PID  process',
    '    1.50      90  osd',
    '    0.75       -  2 threads of the kernel',
    '    0.50       1  init',
  ]);
});
