import t from 'tap';
import { METHOD_NAMES } from '../../../lib/control/messages.js';
import { ALLOW_LIST, CONNECTABLE } from '../../../lib/init/allow-list.js';

const PEERS = [
  'osd',
  'machined',
  'networkd',
  'trustd',
  'proxyd',
  'blockd',
  'chatty',
  'init',
  '',
  '__proto__',
  'constructor',
];

const ALLOWED: Record<string, string[]> = {
  osd: [
    ...['listServices', 'controlService', 'openLog', 'closeLog', 'openKmsg', 'power', 'connect', 'reportListening'],
    ...['readEvents', 'reportHealth', 'describeTime', 'reportMaintenance'],
  ],
  machined: [
    ...['power', 'setHostname', 'setNetwork', 'reportHealth', 'reportConfig', 'describeTime', 'reportVolumes'],
    ...['reportContainer', 'openContainerLog', 'openContainerControl', 'listServices', 'controlService', 'connect'],
    ...['setPodRoutes', 'setServiceArguments'],
  ],
  networkd: ['connect', 'describeNetwork', 'describePodRoutes', 'reportNetwork', 'reportClock', 'reportHealth'],
  trustd: ['connect', 'reportListening', 'reportHealth'],
  proxyd: ['connect', 'reportListening', 'reportHealth'],
  blockd: ['reportHealth'],
};

for (const peer of PEERS) {
  t.test(`what "${peer}" may ask for`, (t) => {
    const own = Object.hasOwn(ALLOWED, peer) ? (ALLOWED[peer] ?? []) : [];
    for (const method of METHOD_NAMES) {
      t.equal(ALLOW_LIST[method]?.includes(peer) ?? false, own.includes(method), method);
    }
    t.end();
  });
}

t.test('who is connected to whom', (t) => {
  const toMachined = { networkd: ['machined'], osd: ['machined'], proxyd: ['machined'], trustd: ['machined'] };
  t.same(CONNECTABLE, { ...toMachined, machined: ['blockd'] });
  t.end();
});
