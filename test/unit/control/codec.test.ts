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
      { id: 'osd', action: 'STOP' },
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
      { action: 'SHUTDOWN', force: true, actorId: 'a', reason: 'b', reset: true, disksToWipe: ['/dev/vdb'] },
      { action: 'REBOOT', force: false, actorId: '', reason: '', reset: false, disksToWipe: [] },
    ],
    replies: [{}],
  },
  setHostname: { requests: [{ hostname: 'n1' }, { hostname: '' }], replies: [{}] },
  reportListening: { requests: [{ port: 50000 }, { port: 0 }], replies: [{}] },
  reportNetwork: { requests: [{ facts: FACTS }, { facts: NO_FACTS }], replies: [{}] },
  startDhcp: { requests: [{ link: 'eth0' }, { link: '' }], replies: [{}] },
  describeDhcp: {
    requests: [{}],
    replies: [
      { wanted: true, link: 'eth0', hostname: 'n1' },
      { wanted: false, link: '', hostname: '' },
    ],
  },
  readEvents: { requests: [{ after: 2 ** 40 }, { after: 0 }], replies: [{ events: NODE_EVENTS }, { events: [] }] },
  reportHealth: {
    requests: [
      { healthy: true, message: 'fine' },
      { healthy: false, message: '' },
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
  describeTime: {
    requests: [{}],
    replies: [
      { timeServers: ['a'], nameServers: ['192.0.2.1'] },
      { timeServers: [], nameServers: [] },
    ],
  },
  wipeDisks: { requests: [{ disks: ['/dev/vdb'] }, { disks: [] }], replies: [{}] },
  connect: { requests: [{ peer: 'machined' }, { peer: '' }], replies: [{}] },
  issueCertificate: {
    requests: [{ publicKey: Buffer.from([1, 2, 3]) }, { publicKey: new Uint8Array() }],
    replies: [
      { certificate: Buffer.from('a'), acceptedCas: Buffer.from('b'), notAfterMs: 1_800_000_000_000 },
      { certificate: new Uint8Array(), acceptedCas: new Uint8Array(), notAfterMs: 0 },
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
