/** machine.network: what is accepted, what is said about the rest, and what networkd is given. */
import t from 'tap';
import {
  decodeNetworkDocument,
  encodeNetworkDocument,
  NO_NETWORK,
  networkDocumentOf,
} from '../../../lib/config/network-document.js';
import { parseMachineConfig } from '../../../lib/config/parse.js';
import { ConfigError, formatProblem } from '../../../lib/config/problem.js';
import type { MachineConfig } from '../../../lib/config/schema.js';
import { generated } from '../machined/fixtures.js';

const { controlplane } = await generated();

/** The config with this network, each line of which is indented already as far as it must be below `network:`. */
const withNetwork = (lines: string) =>
  controlplane.replace(/\n( *)network:\n *hostname: node-1/, (_all, indent: string) => {
    const body = lines
      .trimEnd()
      .split('\n')
      .map((line) => `${indent}  ${line}`)
      .join('\n');
    return `\n${indent}network:\n${body}`;
  });
const problemsOf = (lines: string): string[] => {
  try {
    parseMachineConfig(withNetwork(lines));
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(formatProblem);
    throw error;
  }
};

t.test('everything, in the form in which networkd gets it', async (t) => {
  const { network, warnings } = parseMachineConfig(
    withNetwork(`
hostname: node-1
nameservers: [192.0.2.53]
searchDomains: [example.org]
disableSearchDomain: true
extraHostEntries:
  - ip: 192.0.2.7
    aliases: [a, b.example]
interfaces:
  - interface: eth0
    mtu: 1400
    addresses: [192.0.2.2/24, "2001:DB8:0::2/64"]
    routes:
      - network: 0.0.0.0/0
        gateway: 192.0.2.1
      - network: 198.51.100.77/24
        gateway: 192.0.2.9
        metric: 5
        mtu: 1300
        source: 192.0.2.2
      - gateway: 2001:DB8::1
      - network: 203.0.113.0/24
  - deviceSelector:
      hardwareAddr: 52:54:00:*
      driver: virtio_net
    dhcp: true
    dhcpOptions:
      routeMetric: 7
      ipv6: true
    vip:
      ip: 192.0.2.100
  - interface: eth2
    ignore: true
`),
  );
  const inet = { family: 'inet' as const };
  t.same(network, {
    hostname: 'node-1',
    nameservers: ['192.0.2.53'],
    searchDomains: ['example.org'],
    isSearchDomainDisabled: true,
    extraHosts: [{ address: '192.0.2.7', names: ['a', 'b.example'] }],
    interfaces: [
      {
        selector: { name: 'eth0' },
        isIgnored: false,
        addresses: ['192.0.2.2/24', '2001:db8::2/64'],
        routes: [
          { ...inet, destination: 'default', gateway: '192.0.2.1', metric: 0 },
          { ...inet, destination: '198.51.100.0/24', gateway: '192.0.2.9', source: '192.0.2.2', metric: 5, mtu: 1300 },
          { family: 'inet6', destination: 'default', gateway: '2001:db8::1', metric: 1024 },
          { ...inet, destination: '203.0.113.0/24', metric: 0 },
        ],
        mtu: 1400,
      },
      {
        selector: { hardwareAddr: '52:54:00:*', driver: 'virtio_net' },
        isIgnored: false,
        dhcp: { isHostnameIgnored: false, metric: 7 },
        addresses: [],
        routes: [],
      },
      { selector: { name: 'eth2' }, isIgnored: true, addresses: [], routes: [] },
    ],
    time: { servers: [], isDisabled: false },
  });
  t.match(warnings.map(formatProblem), [
    /line \d+: machine\.network\.interfaces\[1\]\.vip: is not supported yet/,
    /line \d+: machine\.network\.interfaces\[1\]\.dhcpOptions\.ipv6: is not supported yet/,
  ]);
  t.same(decodeNetworkDocument(encodeNetworkDocument(network)), network);
  t.equal(decodeNetworkDocument(new Uint8Array()), NO_NETWORK);
  t.same(parseMachineConfig(withNetwork('hostname: node-1')).network, { ...NO_NETWORK, hostname: 'node-1' });
});

t.test('a time server that is one of the extra hosts is asked at its addresses', async (t) => {
  const extraHostEntries = [
    { ip: '192.0.2.7', aliases: ['a', 'Time.example.org'] },
    { ip: '2001:db8::7', aliases: ['time.example.org'] },
    { ip: '192.0.2.7', aliases: ['time.example.org.'] },
  ];
  const time = { servers: ['time.example.org', 'b.example.org', '192.0.2.9'] };
  const config = { machine: { network: { extraHostEntries }, time } } as unknown as MachineConfig;
  t.same(networkDocumentOf(config, []).time.servers, ['192.0.2.7', '2001:db8::7', 'b.example.org', '192.0.2.9']);
  const many = Array.from({ length: 20 }, (_, at) => ({ ip: `192.0.2.${at}`, aliases: ['time.example.org'] }));
  const crowded = { machine: { network: { extraHostEntries: many }, time } } as unknown as MachineConfig;
  t.equal(networkDocumentOf(crowded, []).time.servers.length, 16, 'no more than a config may name');
});

t.test('what is wrong is told all at once, with its line', async (t) => {
  t.match(
    problemsOf(`
interfaces:
  - addresses: [192.0.2.2]
  - interface: eth0
    deviceSelector: {driver: e1000}
    addresses: [192.0.2.2/33, "fe80::1%eth0/64", 192.0.2.2/0]
    mtu: 60
  - interface: "eth 0"
    routes:
      - metric: 1
      - network: 192.0.2.0/24
        gateway: 2001:db8::1
      - network: 192.0.2.0/24
        gateway: fe80::1%eth0
    colour: blue
  - deviceSelector: {}
  - deviceSelector: {permanentAddr: "52:54:00:12:34:56"}
  - interface: ..
extraHostEntries:
  - ip: 192.0.2.7
    aliases: []
  - ip: node
    aliases: [a_b]
`),
    [
      /line \d+: machine\.network\.interfaces\[0\]\.addresses\[0\]: is not an address/,
      /interfaces\[0\]: has neither interface nor deviceSelector/,
      /interfaces\[1\]\.addresses\[0\]: is not an address/,
      /interfaces\[1\]\.addresses\[1\]: is not an address/,
      /interfaces\[1\]\.addresses\[2\]: is not an address/,
      /interfaces\[1\]\.mtu: must be at least 68/,
      /interfaces\[1\]: has both interface and deviceSelector/,
      /interfaces\[2\]\.interface: must be the name of an interface/,
      /interfaces\[2\]\.routes\[0\]: has neither network nor gateway/,
      /interfaces\[2\]\.routes\[1\]: mixes IPv4 and IPv6/,
      /interfaces\[2\]\.routes\[2\]\.gateway: is not an IP address/,
      /interfaces\[2\]\.routes\[2\]: mixes IPv4 and IPv6/,
      /interfaces\[2\]\.colour: unknown field/,
      /interfaces\[3\]\.deviceSelector: selects nothing/,
      /interfaces\[4\]\.deviceSelector\.permanentAddr: unknown field/,
      /interfaces\[4\]\.deviceSelector: selects nothing/,
      /interfaces\[5\]\.interface: must be the name of an interface/,
      /extraHostEntries\[0\]\.aliases: must be at least 1/,
      /extraHostEntries\[1\]\.ip: is not an IP address/,
      /extraHostEntries\[1\]\.aliases\[0\]: is not a host name/,
    ],
  );
});

t.test('more than networkd is handed', async (t) => {
  const entry = (index: number) =>
    `  - ip: 192.0.2.7\n    aliases: [${Array.from({ length: 16 }, (_, part) => `host-${index}-${part}.example.org`).join(', ')}]\n`;
  const entries = Array.from({ length: 200 }, (_, index) => entry(index)).join('');
  t.match(problemsOf(`extraHostEntries:\n${entries}`), [/line \d+: machine\.network: has more than 48 KiB/]);
});
