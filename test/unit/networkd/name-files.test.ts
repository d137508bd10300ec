import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { NO_NETWORK } from '../../../lib/config/network-document.js';
import { hosts, NameFiles, nameServers, resolvConf } from '../../../lib/networkd/name-files.js';

const lease = (more: object) => ({
  ...{ link: 'eth0', address: '192.0.2.2/24', carrier: true, hostname: '', ntpServers: [] },
  ...{ dnsServers: [], domain: '', searchDomains: [], ...more },
});
const facts = {
  document: NO_NETWORK,
  leases: [lease({ dnsServers: ['192.0.2.53'], domain: 'example.org', searchDomains: ['eng.example.org'] })],
  kernelServers: ['192.0.2.99'],
  advertised: [],
  hostname: 'node-1.example.net',
  addresses: ['192.0.2.2', '2001:db8::2'],
};
const lines = (text: string) => text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));

t.test('name servers: of the config, else of DHCP, else of the kernel command line', async (t) => {
  const nameservers = ['192.0.2.1', '192.0.2.2', '2001:db8::1', '192.0.2.4'];
  t.same(nameServers({ ...facts, document: { ...NO_NETWORK, nameservers } }), nameservers);
  t.same(nameServers(facts), ['192.0.2.53']);
  t.same(nameServers({ ...facts, leases: [lease({})] }), ['192.0.2.99']);
  t.same(nameServers({ ...facts, leases: [], kernelServers: [] }), []);
  t.same(lines(resolvConf({ ...facts, document: { ...NO_NETWORK, nameservers } })).slice(0, -1), [
    'nameserver 192.0.2.1',
    'nameserver 192.0.2.2',
    'nameserver 2001:db8::1',
  ]);
});

t.test('name servers of routers stand behind the others, with one of the first three places', async (t) => {
  const advertised = ['2001:db8::53', 'fe80::53%eth0'];
  const dnsServers = ['192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.4'];
  t.same(nameServers({ ...facts, advertised }), ['192.0.2.53', ...advertised]);
  t.same(nameServers({ ...facts, advertised, leases: [] }), ['192.0.2.99', ...advertised], 'beside ip=');
  t.same(nameServers({ ...facts, advertised, leases: [], kernelServers: [] }), advertised);
  t.same(nameServers({ ...facts, advertised, leases: [lease({ dnsServers })] }), [
    ...['192.0.2.1', '192.0.2.2', '2001:db8::53'],
    ...['192.0.2.3', '192.0.2.4', 'fe80::53%eth0'],
  ]);
  const document = { ...NO_NETWORK, nameservers: ['192.0.2.7'] };
  t.same(nameServers({ ...facts, advertised, document }), ['192.0.2.7'], 'the config has the last word');
  t.same(lines(resolvConf({ ...facts, advertised, leases: [], kernelServers: [] })).slice(0, -1), [
    'nameserver 2001:db8::53',
    'nameserver fe80::53%eth0',
  ]);
});

t.test('search domains: of the config first, and the others unless they are not wanted', async (t) => {
  const searchDomains = ['a.example', 'example.org'];
  const search = (document: object) => lines(resolvConf({ ...facts, document: { ...NO_NETWORK, ...document } })).at(-1);
  t.equal(search({}), 'search example.net eng.example.org example.org');
  t.equal(search({ searchDomains }), 'search a.example example.org example.net eng.example.org');
  t.equal(search({ searchDomains, isSearchDomainDisabled: true }), 'search a.example example.org');
  t.equal(search({ isSearchDomainDisabled: true }), 'nameserver 192.0.2.53');
});

t.test('hosts', async (t) => {
  const extraHosts = [{ address: '203.0.113.7', names: ['a', 'b.example'] }];
  t.same(lines(hosts({ ...facts, document: { ...NO_NETWORK, extraHosts } })), [
    '127.0.0.1 localhost',
    '::1 localhost ip6-localhost ip6-loopback',
    'ff02::1 ip6-allnodes',
    'ff02::2 ip6-allrouters',
    '192.0.2.2 node-1.example.net node-1',
    '2001:db8::2 node-1.example.net node-1',
    '203.0.113.7 a b.example',
  ]);
  t.equal(lines(hosts({ ...facts, hostname: 'talos', addresses: [] })).at(-1), '127.0.1.1 talos');
  t.equal(lines(hosts({ ...facts, hostname: '' })).length, 4);
});

t.test('files are replaced whole, and only for something new', async (t) => {
  const folder = t.testdir({});
  const files = new NameFiles(folder);
  t.same(files.write(facts), ['resolv.conf', 'hosts']);
  t.same(readdirSync(folder).sort(), ['hosts', 'resolv.conf']);
  t.equal(readFileSync(join(folder, 'hosts'), 'utf8'), hosts(facts));
  const inode = () => ['hosts', 'resolv.conf'].map((name) => statSync(join(folder, name)).ino);
  const before = inode();
  t.same(files.write(facts), []);
  t.same(inode(), before);
  files.write({ ...facts, hostname: 'other' });
  t.not(inode()[0], before[0]);
  t.match(readFileSync(join(folder, 'hosts'), 'utf8'), /192\.0\.2\.2 other$/m);
  t.throws(() => new NameFiles(join(folder, 'none')).write(facts), { code: 'ENOENT' });
});
