import t from 'tap';
import { TalosError } from '../../../lib/base/errors.js';
import { parseIpParameter } from '../../../lib/os/ip-parameter.js';

t.test('a static address, as the cluster provisioner writes it', async (t) => {
  t.same(parseIpParameter('10.5.0.2::10.5.0.1:255.255.255.0:node-1:eth0:off'), {
    kind: 'static',
    address: '10.5.0.2/24',
    gateway: '10.5.0.1',
    hostname: 'node-1',
    device: 'eth0',
    dnsServers: [],
    ntpServers: [],
  });
});

t.test('everything after the mask may be left out', async (t) => {
  t.match(parseIpParameter('10.5.0.2:::255.255.0.0'), {
    kind: 'static',
    address: '10.5.0.2/16',
    gateway: undefined,
    hostname: undefined,
    device: undefined,
  });
});

t.test('servers of names and time', async (t) => {
  const all = parseIpParameter('10.5.0.2:10.5.0.9:10.5.0.1:24:n:eth0:none:10.0.0.53:10.0.1.53:10.0.0.123');
  t.match(all, { dnsServers: ['10.0.0.53', '10.0.1.53'], ntpServers: ['10.0.0.123'], address: '10.5.0.2/24' });
});

t.test('words', async (t) => {
  for (const word of ['off', 'none']) t.same(parseIpParameter(word), { kind: 'off' }, word);
  for (const word of ['dhcp', 'on', 'any', 'both']) t.match(parseIpParameter(word), { kind: 'dhcp' }, word);
  t.same(parseIpParameter('::::node-1:eth1:dhcp'), { kind: 'dhcp', hostname: 'node-1', device: 'eth1' });
  t.same(parseIpParameter(':::::eth1'), { kind: 'dhcp', hostname: undefined, device: 'eth1' });
  t.same(parseIpParameter('::::::off'), { kind: 'off' });
});

t.test('masks', async (t) => {
  const prefixOf = (mask: string) => {
    const parsed = parseIpParameter(`10.0.0.1:::${mask}`);
    return parsed.kind === 'static' ? parsed.address : undefined;
  };
  t.equal(prefixOf('255.255.255.255'), '10.0.0.1/32');
  t.equal(prefixOf('255.255.255.254'), '10.0.0.1/31');
  t.equal(prefixOf('255.240.0.0'), '10.0.0.1/12');
  t.equal(prefixOf('128.0.0.0'), '10.0.0.1/1');
  t.equal(prefixOf('0.0.0.0'), '10.0.0.1/0');
  t.equal(prefixOf('24'), '10.0.0.1/24');
});

t.test('each mistake is named', async (t) => {
  const mistakes: [value: string, words: RegExp][] = [
    ['10.5.0', /'10\.5\.0' is neither an address nor/],
    ['10.5.0.2', /netmask is missing/],
    ['10.5.0.300::10.5.0.1:255.255.255.0', /address '10\.5\.0\.300' is not an IPv4/],
    ['10.5.0.2::10.5.0.x:255.255.255.0', /gateway '10\.5\.0\.x'/],
    ['10.5.0.2::10.6.0.1:255.255.255.0', /gateway 10\.6\.0\.1 is not in the network of 10\.5\.0\.2\/24/],
    ['10.5.0.2:::255.0.255.0', /netmask '255\.0\.255\.0' is not a contiguous/],
    ['10.5.0.2:::33', /netmask '33'/],
    ['10.5.0.2:::24:-bad-', /hostname/],
    ['10.5.0.2:::24:n:far-too-long-name', /'far-too-long-name' is not the name of an interface/],
    ['10.5.0.2:::24:n:eth0:bootp', /'bootp' is not supported/],
    ['::10.5.0.1:255.255.255.0:n:eth0:off', /address is missing/],
    ['10.5.0.2:::24:n:eth0:off:1.1.1', /first DNS server '1\.1\.1'/],
    ['10.5.0.2:::24:n:eth0:off::::x', /11 fields/],
    ['[fd00::2]::[fd00::1]:64:n:eth0:off', /only IPv4/],
  ];
  for (const [value, words] of mistakes) {
    t.throws(() => parseIpParameter(value), { code: 'ERR_IP_PARAMETER', message: words }, value);
  }
  t.throws(() => parseIpParameter('x'), TalosError);
});
