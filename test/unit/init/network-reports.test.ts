import t from 'tap';
import type { ControlError } from '../../../lib/control/errors.js';
import type { NetworkFacts } from '../../../lib/control/protocol.js';
import { NetworkReports } from '../../../lib/init/network-reports.js';
import { NodeName } from '../../../lib/init/node-name.js';
import { recordingLog } from './recording-log.js';

const NOTHING: Omit<NetworkFacts, 'link'> = {
  ...{ address: '', otherAddresses: [], carrier: false, dhcp: false },
  ...{ dnsServers: [], ntpServers: [], domain: '', searchDomains: [], hostname: '' },
};

/** The kind of what is thrown. */
function refusal(take: () => void): string | undefined {
  try {
    take();
    return undefined;
  } catch (error) {
    return (error as ControlError).kind;
  }
}

function reports() {
  const { log, lines } = recordingLog();
  const taken: NetworkFacts[] = [];
  const names: string[] = [];
  const nodeName = new NodeName({ setHostname: (name) => void names.push(name) });
  return {
    lines,
    taken,
    names,
    nodeName,
    reports: new NetworkReports(log, nodeName, (facts) => void taken.push(facts)),
  };
}

t.test('what says nothing new is dropped', async (t) => {
  const { reports: book, lines, taken } = reports();
  const facts = { ...NOTHING, link: 'eth0', carrier: true, otherAddresses: ['192.0.2.2/24'] };
  book.take(facts);
  book.take({ ...facts });
  t.equal(taken.length, 1);
  t.same(
    lines.map(({ text }) => text),
    ['network: eth0 has 192.0.2.2/24'],
  );
});

t.test('name servers of both families, and none that means something on its link only', async (t) => {
  const { reports: book, taken } = reports();
  book.take({ ...NOTHING, link: 'eth0', carrier: true, dnsServers: ['192.0.2.53', '2001:db8::53'] });
  t.equal(taken.length, 1);
  for (const server of ['fe80::1%eth0', 'ns.example', '192.0.2', '']) {
    const facts = { ...NOTHING, link: 'eth0', carrier: true, dnsServers: [server] };
    t.equal(
      refusal(() => book.take(facts)),
      'INVALID_ARGUMENT',
      server,
    );
  }
  const ntp = { ...NOTHING, link: 'eth0', carrier: true, ntpServers: ['2001:db8::53'] };
  t.equal(
    refusal(() => book.take(ntp)),
    'INVALID_ARGUMENT',
    'DHCPv4 knows no such time server',
  );
});

t.test('interfaces that are gone leave their places to others', async (t) => {
  const { reports: book } = reports();
  const up = (number: number) => ({ ...NOTHING, link: `eth${number}`, carrier: true });
  for (let number = 0; number < 16; number++) book.take(up(number));
  t.equal(
    refusal(() => book.take(up(16))),
    'RESOURCE_EXHAUSTED',
  );
  // A card that is taken out and put in again may get a new name each time.
  for (let number = 16; number < 40; number++) {
    book.take({ ...NOTHING, link: `eth${number - 1}` });
    book.take(up(number));
  }
  t.equal(
    refusal(() => book.take(up(40))),
    'RESOURCE_EXHAUSTED',
  );
});

t.test(
  'the name of a DHCP server goes with the wish for DHCP, and a second server does not rename the node',
  async (t) => {
    const { reports: book, names, nodeName, lines } = reports();
    nodeName.set('default', 'talos');
    const leased = (link: string, hostname: string) => ({
      ...{ ...NOTHING, link, hostname, carrier: true, dhcp: true },
      address: '192.0.2.2/24',
    });
    book.take(leased('eth0', 'first'));
    book.take(leased('eth1', 'second'));
    book.take({ ...leased('eth1', 'second'), dnsServers: ['192.0.2.53'] });
    t.same(names, ['talos', 'first']);
    book.take({ ...NOTHING, link: 'eth0', carrier: true, dhcp: true });
    t.same(names, ['talos', 'first'], 'a lease that has ended');
    book.take(leased('eth0', 'other'));
    t.same(names.splice(0), ['talos', 'first', 'other'], 'its own server may give it another');
    book.take({ ...NOTHING, link: 'eth0', carrier: true, otherAddresses: ['192.0.2.3/24'] });
    t.same(names.splice(0), ['second'], 'the config has an address for it instead');
    book.take({ ...NOTHING, link: 'eth1' });
    t.same(names.splice(0), ['talos'], 'nobody names the node any more');
    book.take(leased('eth0', 'no_name'));
    book.take(leased('eth1', 'third'));
    t.same(names, ['third']);
    t.equal(
      lines.filter(({ text }) => /host name of the DHCP server was not taken: the part 'no_name'/.test(text)).length,
      1,
    );
  },
);
