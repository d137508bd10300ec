import t from 'tap';
import { SERVICES } from '../../../lib/osd/api.js';
import { denial, neededRoles, RULES } from '../../../lib/osd/authorisation.js';

const path = (name: string) => `/machine.MachineService/${name}`;

/** The public table, written down a second time: A os:admin, O os:operator, R os:reader, E os:etcd:backup, M os:meta:writer. */
const TABLE: Record<string, string> = {
  A: `ApplyConfiguration Bootstrap Copy EtcdRecover EtcdRemoveMemberByID EtcdLeaveCluster EtcdForfeitLeadership EtcdDowngradeValidate
    EtcdDowngradeEnable EtcdDowngradeCancel GenerateClientConfiguration Kubeconfig Read Reset Rollback Upgrade`,
  AO: `EtcdAlarmDisarm EtcdDefragment ImagePull PacketCapture Reboot Shutdown Restart ServiceStart ServiceStop ServiceRestart`,
  AOR: `Containers CPUFreqStats CPUInfo DiskStats DiskUsage Dmesg Events Hostname ImageList List LoadAvg Memory SystemStat
    NetworkDeviceStats Mounts Logs LogsContainers Netstat Processes ServiceList Stats Version`,
  AORE: 'EtcdMemberList EtcdStatus EtcdAlarmList',
  AOE: 'EtcdSnapshot',
  AM: 'MetaWrite MetaDelete',
};
const ROLES: Record<string, string> = {
  A: 'os:admin',
  O: 'os:operator',
  R: 'os:reader',
  E: 'os:etcd:backup',
  M: 'os:meta:writer',
};

const expected = Object.entries(TABLE).flatMap(([letters, names]) =>
  names.split(/\s+/).map((name): [string, string] => [name, letters]),
);

t.test('every call of the public table, with each role alone', async (t) => {
  t.equal(expected.length, 54, 'there are 54 calls');
  const ruled = Object.keys(RULES).filter((known) => known.startsWith(path('')));
  t.strictSame(ruled.sort(), expected.map(([name]) => path(name)).sort(), 'rules for exactly these');
  for (const [name, letters] of expected) {
    for (const [letter, role] of Object.entries(ROLES)) {
      t.equal(denial(path(name), [role]) === undefined, letters.includes(letter), `${name} as ${role}`);
    }
  }
});

t.test('what is not listed needs os:admin', async (t) => {
  for (const unknown of [path('Newcomer'), '/other.Service/Version', path('toString'), path('__proto__'), '', '/']) {
    t.strictSame(neededRoles(unknown), ['os:admin'], JSON.stringify(unknown));
    t.ok(denial(unknown, ['os:operator', 'os:reader', 'os:etcd:backup']), 'denied');
    t.equal(denial(unknown, ['os:admin']), undefined, 'allowed');
  }
});

t.test('every call of every generated service has a rule, and every rule a call', async (t) => {
  const paths = SERVICES.flatMap((service) => Object.values(service).map((method) => method.path));
  t.strictSame(Object.keys(RULES).sort(), paths.sort());
});

t.test('roles that nobody knows grant nothing, in whatever spelling', async (t) => {
  for (const role of [
    '',
    'admin',
    'OS:ADMIN',
    ' os:admin',
    'os:admin ',
    'os:admin,os:reader',
    'os:*',
    'os:impersonator',
  ]) {
    t.ok(denial(path('Version'), [role]), JSON.stringify(role));
  }
  t.ok(denial(path('Version'), []), 'no role at all');
});

t.test('the sentence names the call, what it needs, and what there is', async (t) => {
  t.equal(
    denial(path('Reboot'), ['os:reader']),
    'Reboot needs one of os:admin, os:operator; the client certificate has os:reader',
  );
  t.equal(denial(path('Read'), []), 'Read needs os:admin; the client certificate has no role');
});
