import t from 'tap';
import { METHOD_NAMES } from '../../../lib/control/messages.js';
import { ALLOW_LIST, CONNECTABLE } from '../../../lib/init/allow-list.js';

const PEERS = ['osd', 'machined', 'networkd', 'chatty', 'init', '', '__proto__', 'constructor'];

const ALLOWED: Record<string, string[]> = {
  osd: [
    ...['listServices', 'controlService', 'openLog', 'closeLog', 'openKmsg', 'power', 'connect', 'reportListening'],
    ...['readEvents', 'reportHealth', 'describeTime'],
  ],
  machined: ['power', 'setHostname', 'startDhcp', 'reportHealth', 'reportConfig'],
  networkd: ['describeDhcp', 'reportNetwork', 'reportHealth'],
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

t.test('only osd is connected to anybody', (t) => {
  t.same(CONNECTABLE, { osd: ['machined'] });
  t.end();
});
