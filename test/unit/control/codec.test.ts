import t from 'tap';
import { decodeFrame, encodeEvent, encodeFailure, encodeReply, encodeRequest } from '../../../lib/control/codec.js';
import { METHOD_NAMES } from '../../../lib/control/messages.js';
import type { NodeEvent } from '../../../lib/control/node-event.js';
import type { MethodName, MethodTable, ReplyOf, RequestOf } from '../../../lib/control/protocol.js';

const SERVICE = {
  id: 'osd',
  state: 'Running',
  pid: 42,
  image: '/sbin/osd',
  restarts: 3,
  lastLogLine: 'né',
  events: [{ message: 'Started', state: 'Running', timeMs: 1_700_000_000_123 }],
  lastChangeMs: 1_700_000_000_123,
  healthUnknown: true,
  healthy: false,
  healthMessage: 'Listening',
};

const FACTS = {
  link: 'eth0',
  address: '10.0.2.15/24',
  dnsServers: ['10.0.2.3'],
  ntpServers: ['10.0.2.4', '10.0.2.5'],
  domain: 'a.org',
  searchDomains: ['b.org'],
  hostname: 'n1',
  carrier: true,
  otherAddresses: ['fd00::7/64'],
  dhcp: true,
};
const NO_FACTS = {
  link: '',
  address: '',
  dnsServers: [],
  ntpServers: [],
  domain: '',
  searchDomains: [],
  hostname: '',
  carrier: false,
  otherAddresses: [],
  dhcp: false,
};

const EVENT = { sequence: 2 ** 40, id: 'd0vo5b8g00000000000g', actorId: 'ab', timeMs: 1_700_000_000_123 };
const NODE_EVENTS: NodeEvent[] = (
  [
    { kind: 'sequence', name: 'boot', action: 'STOP', error: 'it broke' },
    { kind: 'phase', name: 'cgroups', action: 'START' },
    { kind: 'task', name: 'stopAllServices', action: 'STOP' },
    {
      kind: 'service',
      service: 'osd',
      action: 'RUNNING',
      message: 'Started',
      healthUnknown: false,
      healthy: true,
      healthMessage: 'fine',
      healthChangeMs: 1_700_000_000_123,
    },
    { kind: 'config-not-loaded', error: 'no disk' },
    { kind: 'config-not-valid', error: '' },
    { kind: 'address', hostname: 'n1', addresses: ['10.0.2.15'] },
    { kind: 'machine-status', stage: 'RUNNING', ready: false, unmet: [{ name: 'services', reason: 'osd is Failed' }] },
  ] as const
).map((payload) => ({ ...EVENT, payload: structuredClone(payload) as NodeEvent['payload'] }));

const DISK = {
  size: 2 ** 43,
  model: 'QEMU',
  deviceName: '/dev/sda',
  name: 'sda',
  serial: 's1',
  modalias: 'scsi:t-0x00',
  uuid: 'u',
  wwid: 'w',
  type: 'HDD' as const,
  busPath: '/pci0000:00',
  systemDisk: true,
  subsystem: '/sys/class/block',
  readonly: true,
};

/** For each method: values that differ from the defaults, and the defaults. */
const SAMPLES: { [M in MethodName]: { requests: RequestOf<M>[]; replies: ReplyOf<M>[] } } = {
  listServices: {
    requests: [{}],
    replies: [
      { services: [SERVICE] },
      { services: [] },
      {
        services: [
          {
            ...SERVICE,
            id: '',
            state: '',
            pid: 0,
            image: '',
            restarts: 0,
            lastLogLine: '',
            events: [],
            lastChangeMs: 0,
            healthUnknown: false,
            healthMessage: '',
          },
        ],
      },
    ],
  },
  controlService: {
    requests: [
      { id: 'osd', action: 'RESTART' },
      { id: 'osd', action: 'STOP', untilEnded: true },
      { id: '', action: 'START' },
    ],
    replies: [{ message: 'done' }, { message: '' }],
  },
  openLog: {
    requests: [
      { id: 'osd', follow: true },
      { id: '', follow: false },
    ],
    replies: [{ subscription: 7 }, { subscription: 0 }],
  },
  closeLog: { requests: [{ subscription: 2 ** 40 }, { subscription: 0 }], replies: [{}] },
  openKmsg: { requests: [{ tail: true }, { tail: false }], replies: [{}] },
  power: {
    requests: [
      {
        action: 'SHUTDOWN',
        force: true,
        actorId: 'a',
        reason: 'b',
        drain: true,
        reset: true,
        disksToWipe: ['/dev/vdb'],
        partitionsToWipe: ['STATE'],
      },
      {
        ...{ action: 'REBOOT', force: false, actorId: '', reason: '', drain: false, reset: false },
        ...{ disksToWipe: [], partitionsToWipe: [] },
      },
    ],
    replies: [{}],
  },
  setHostname: { requests: [{ hostname: 'n1' }, { hostname: '' }], replies: [{}] },
  reportListening: { requests: [{ port: 50000 }, { port: 0 }], replies: [{}] },
  reportMaintenance: { requests: [{ port: 50000 }, { port: 0 }], replies: [{}] },
  reportNetwork: { requests: [{ facts: FACTS }, { facts: NO_FACTS }], replies: [{}] },
  setNetwork: {
    requests: [
      { document: Buffer.from('{}'), isUrgent: true },
      { document: new Uint8Array(), isUrgent: false },
    ],
    replies: [{}],
  },
  describeNetwork: { requests: [{}], replies: [{ document: Buffer.from('{}') }, { document: new Uint8Array() }] },
  setPodRoutes: {
    requests: [
      {
        routes: [
          { destination: '10.244.1.0/24', gateway: '10.5.0.3' },
          { destination: '', gateway: '' },
        ],
      },
      { routes: [] },
    ],
    replies: [{}],
  },
  describePodRoutes: {
    requests: [{}],
    replies: [{ routes: [{ destination: 'fd00:1::/64', gateway: 'fd00::3' }] }, { routes: [] }],
  },
  reportClock: {
    requests: [
      { steppedMs: -31_536_000_000, server: 'time.example' },
      { steppedMs: 0, server: '' },
    ],
    replies: [{}],
  },
  readEvents: { requests: [{ after: 2 ** 40 }, { after: 0 }], replies: [{ events: NODE_EVENTS }, { events: [] }] },
  reportHealth: {
    requests: [
      { healthy: true, message: 'fine', service: 'containerd' },
      { healthy: false, message: '', service: '' },
    ],
    replies: [{}],
  },
  reportConfig: {
    requests: [
      { outcome: 'NOT_VALID', problem: 'a sentence', timeServers: ['pool.example'], nameServers: ['2001:db8::1'] },
      { outcome: 'ACCEPTED', problem: '', timeServers: [], nameServers: [] },
    ],
    replies: [{}],
  },
  setServiceArguments: {
    requests: [
      { id: 'kubelet', arguments: ['--node-ip=10.5.0.2', ''] },
      { id: '', arguments: [] },
    ],
    replies: [{}],
  },
  reportVolumes: {
    requests: [
      { stateDisk: '/dev/vda', ephemeralDisk: '/dev/vdb' },
      { stateDisk: '', ephemeralDisk: '' },
    ],
    replies: [{}],
  },
  describeTime: {
    requests: [{}],
    replies: [
      { timeServers: ['a'], nameServers: ['192.0.2.1'] },
      { timeServers: [], nameServers: [] },
    ],
  },
  reportContainer: {
    requests: [
      { id: 'a', state: 'Running', pid: 7, image: 'b', restarts: 1, message: 'c', failed: true },
      { id: '', state: '', pid: 0, image: '', restarts: 0, message: '', failed: false },
    ],
    replies: [{}],
  },
  openContainerLog: { requests: [{ id: 'a' }, { id: '' }], replies: [{}] },
  openContainerControl: { requests: [{ id: 'a' }, { id: '' }], replies: [{}] },
  drainNode: { requests: [{}], replies: [{}] },
  stopContainers: { requests: [{}], replies: [{}] },
  wipeDisks: {
    requests: [
      { disks: ['/dev/vdb'], partitions: ['EPHEMERAL'] },
      { disks: [], partitions: [] },
    ],
    replies: [{}],
  },
  connect: { requests: [{ peer: 'machined' }, { peer: '' }], replies: [{}] },
  offerConfig: {
    requests: [
      { data: Buffer.from('version'), upload: 0, source: 'somebody', isDryRun: true, problem: '' },
      { data: new Uint8Array(), upload: 3, source: '', isDryRun: false, problem: 'it is not there' },
    ],
    replies: [{ warnings: ['one', 'two'] }, { warnings: [] }],
  },
  issueCertificate: {
    requests: [
      { publicKey: Buffer.from([1, 2, 3]), signingRequest: Buffer.from('PEM') },
      { publicKey: new Uint8Array(), signingRequest: new Uint8Array() },
    ],
    replies: [
      {
        certificate: Buffer.from('a'),
        acceptedCas: Buffer.from('b'),
        notAfterMs: 1_800_000_000_000,
        isMaintenance: true,
      },
      { certificate: new Uint8Array(), acceptedCas: new Uint8Array(), notAfterMs: 0, isMaintenance: false },
    ],
  },
  issueNodeCertificate: {
    requests: [
      { publicKey: Buffer.from([1, 2, 3]), address: '192.0.2.1', token: 'a.b' },
      { publicKey: new Uint8Array(), address: '', token: '' },
    ],
    replies: [
      { certificate: Buffer.from('a'), acceptedCas: Buffer.from('b') },
      { certificate: new Uint8Array(), acceptedCas: new Uint8Array() },
    ],
  },
  describeApiServers: {
    requests: [{}],
    replies: [
      { servers: [{ host: 'api.example.org', port: 6443, isFallback: true }], nameServers: ['192.0.2.1'] },
      { servers: [{ host: '', port: 0, isFallback: false }], nameServers: [] },
    ],
  },
  query: {
    requests: [
      {
        path: '/machine.MachineService/Processes',
        request: Buffer.from([8, 1]),
        caller: '192.0.2.1:5 ("ops")',
        upload: 0,
      },
      { path: '', request: Buffer.alloc(0), caller: '', upload: 2 ** 40 },
    ],
    replies: [
      { message: Buffer.from([8, 1]), streamed: false },
      { message: Buffer.alloc(0), streamed: true },
    ],
  },
  openQueryStream: {
    requests: [{ path: '/machine.MachineService/List', request: Buffer.from([8, 1]), caller: 'me', upload: 3 }],
    replies: [{}],
  },
  uploadPart: {
    requests: [
      { upload: 2 ** 40, data: Buffer.from([1, 2]) },
      { upload: 0, data: Buffer.alloc(0) },
    ],
    replies: [{}],
  },
  listDisks: {
    requests: [{ systemDevices: ['254:1', '7:0'] }, { systemDevices: [] }],
    replies: [{ disks: [DISK, { ...DISK, size: 0, model: '', type: 'SSD', systemDisk: false, readonly: false }] }],
  },
  wipeDevice: {
    requests: [{ method: 'FAST' }, { method: 'ZEROES' }],
    replies: [{ marks: ['ext', 'gpt'] }, { marks: [] }],
  },
};

const bytesAsText = (value: unknown) =>
  JSON.stringify(value, (_, inner) =>
    inner?.type === 'Buffer' || inner instanceof Uint8Array ? Array.from(inner.data ?? inner) : inner,
  );

t.test('there is a sample of every method', (t) => {
  t.same(Object.keys(SAMPLES).sort(), [...METHOD_NAMES].sort());
  t.end();
});

function roundTrip<M extends MethodName>(
  method: M,
  samples: { requests: MethodTable[M]['request'][]; replies: MethodTable[M]['reply'][] },
) {
  t.test(`${method} comes back as it went`, (t) => {
    for (const body of samples.requests) {
      const frame = decodeFrame(encodeRequest(9, method, body, 1500));
      t.match(frame, { kind: 'request', id: 9, method, deadlineMs: 1500 });
      t.equal(bytesAsText(frame.kind === 'request' && frame.body), bytesAsText(body));
    }
    for (const body of samples.replies) {
      const frame = decodeFrame(encodeReply(9, method, body));
      t.match(frame, { kind: 'reply', id: 9, method });
      t.equal(bytesAsText(frame.kind === 'reply' && frame.body), bytesAsText(body));
    }
    t.end();
  });
}

for (const method of METHOD_NAMES) roundTrip(method, SAMPLES[method] as never);

t.test('failures and events come back as they went', (t) => {
  const kinds = [
    'INTERNAL',
    'NOT_FOUND',
    'INVALID_ARGUMENT',
    'PERMISSION_DENIED',
    'FAILED_PRECONDITION',
    'UNAVAILABLE',
    'DEADLINE_EXCEEDED',
    'RESOURCE_EXHAUSTED',
  ] as const;
  for (const kind of kinds) {
    t.match(decodeFrame(encodeFailure(1, kind, 'why')), { kind: 'failure', id: 1, error: { kind, message: 'why' } });
  }
  for (const event of [
    { kind: 'shuttingDown' },
    { kind: 'peerConnected', peer: 'osd' },
    { kind: 'networkChanged', facts: FACTS },
    { kind: 'networkChanged', facts: NO_FACTS },
    { kind: 'identityChanged' },
    { kind: 'networkWanted' },
    { kind: 'podRoutesWanted' },
    { kind: 'clockStepped' },
  ] as const) {
    t.same(decodeFrame(encodeEvent(event)), { kind: 'event', event });
  }
  t.ok(encodeFailure(1, 'INTERNAL', 'x'.repeat(100_000)).length < 4096, 'a failure is bounded');
  t.end();
});

t.test('what a newer peer may send is told apart from noise', (t) => {
  const failureOfUnknownKind = Buffer.from([0x08, 0x01, 0x1a, 0x04, 0x0a, 0x02, 0x08, 0x63]);
  t.match(decodeFrame(failureOfUnknownKind), { kind: 'failure', error: { kind: 'INTERNAL' } });
  t.same(decodeFrame(Buffer.from([0x22, 0x03, 0x9a, 0x06, 0x00])), { kind: 'unknown-event' });
  t.throws(() => decodeFrame(Buffer.from([0x08, 0x01])), /without a body/);
  t.throws(() => decodeFrame(Buffer.from([0x08, 0x01, 0x1a, 0x00])), /without a result/);
  t.end();
});
