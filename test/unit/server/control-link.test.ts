/** The connections to init and machined, over channels in memory. */
import t from 'tap';
import { ControlError } from '../../../lib/control/errors.js';
import { ControlServer, type ServerConnection } from '../../../lib/control/server.js';
import { ControlLink } from '../../../lib/server/control-link.js';
import { FakeChannels } from '../control/fake-channel.js';
import { rejection, until } from '../osd/support/rig.js';

/** init and machined, reduced to what osd asks for at its start. */
function node() {
  const channels = new FakeChannels();
  const log = () => {};
  const machinedConnections: ServerConnection[] = [];
  const state = { isMachinedUp: true, hasConfig: true };
  const machined = new ControlServer({
    channels,
    log,
    allow: { issueCertificate: ['osd'] },
    handlers: {
      issueCertificate: ({ publicKey }) => {
        if (!state.hasConfig) throw new ControlError('UNAVAILABLE', 'there is no config yet');
        return {
          body: { certificate: publicKey, acceptedCas: Buffer.from('cas'), notAfterMs: 7, isMaintenance: false },
        };
      },
    },
  });
  const init = new ControlServer({
    channels,
    log,
    allow: { connect: ['osd'] },
    handlers: {
      connect: () => {
        if (!state.isMachinedUp) throw new ControlError('UNAVAILABLE', 'machined does not run');
        const [theirs, ours] = channels.pair();
        machinedConnections.push(machined.accept(ours, 'osd'));
        return { body: {}, descriptors: [theirs] };
      },
    },
  });
  const [osd, ours] = channels.pair();
  const connection = init.accept(ours, 'osd');
  return { channels, state, machinedConnections, connection, osd };
}

t.test('a certificate over a connection to machined, which may come and go', async (t) => {
  const { channels, state, machinedConnections, osd } = node();
  let changes = 0;
  let moves = 0;
  const link = new ControlLink({
    socket: osd,
    channels,
    onShuttingDown: () => t.fail('nobody goes down'),
    onIdentityChanged: () => {
      changes++;
    },
    onApiServersChanged: () => {
      moves++;
    },
    onEvents: () => t.fail('nothing has happened'),
    onLost: () => t.fail('nothing is lost'),
  });
  const key = { publicKey: Buffer.from('key'), signingRequest: Buffer.from('request') };
  t.match(await link.issue(key), { notAfterMs: 7 });
  await link.issue(key);
  t.equal(machinedConnections.length, 1, 'one connection for several requests');

  state.hasConfig = false;
  t.match(await rejection(link.issue(key)), { kind: 'UNAVAILABLE', message: 'there is no config yet' });
  state.hasConfig = true;

  machinedConnections[0]?.sendEvent({ kind: 'identityChanged' });
  await until(() => changes === 1, 'machined said that the certificate is outdated');
  machinedConnections[0]?.sendEvent({ kind: 'apiServersChanged' });
  await until(() => moves === 1, 'and that the Kubernetes API is elsewhere');
  t.equal(changes, 1);
  machinedConnections[0]?.close();
  await until(() => changes === 2, 'another machined may have another config');
  state.isMachinedUp = false;
  t.match(await rejection(link.issue(key)), { kind: 'UNAVAILABLE', message: 'machined does not run' });
  state.isMachinedUp = true;
  t.match(await link.issue(key), { notAfterMs: 7 }, 'the next machined is found');
  t.equal(machinedConnections.length, 2);
  link.close();
  t.match(await rejection(link.issue(key)), { kind: 'UNAVAILABLE' }, 'nothing after the end');
});

t.test('calls at one time share a connection to machined', async (t) => {
  const { channels, state, machinedConnections, osd } = node();
  const nothing = () => {};
  const link = new ControlLink({ socket: osd, channels, onShuttingDown: nothing, onLost: nothing });
  const connections = await Promise.all([link.connectMachined(), link.connectMachined(), link.connectMachined()]);
  t.equal(new Set(connections).size, 1);
  t.equal(machinedConnections.length, 1, 'no second one that nobody would ever close');

  machinedConnections[0]?.close();
  await until(() => connections[0]?.isOpen === false, 'machined has gone');
  state.isMachinedUp = false;
  const refused = await Promise.all([rejection(link.connectMachined()), rejection(link.connectMachined())]);
  for (const error of refused) t.match(error, { kind: 'UNAVAILABLE', message: 'machined does not run' });
  state.isMachinedUp = true;
  t.ok((await link.connectMachined()).isOpen, 'a failure is not kept');
  t.equal(machinedConnections.length, 2);
  link.close();
});

t.test('init says that the node has other addresses, that it goes down, or goes away itself', async (t) => {
  const { channels, connection, osd } = node();
  let isGoingDown = false;
  let changes = 0;
  let happenings = 0;
  let isLost = false;
  const link = new ControlLink({
    socket: osd,
    channels,
    onShuttingDown: () => {
      isGoingDown = true;
    },
    onIdentityChanged: () => {
      changes++;
    },
    onEvents: () => {
      happenings++;
    },
    onLost: () => {
      isLost = true;
    },
  });
  connection.sendEvent({ kind: 'peerConnected', peer: 'somebody' });
  connection.sendEvent({ kind: 'eventsPublished' });
  const nothing = {
    dnsServers: [],
    ntpServers: [],
    domain: '',
    searchDomains: [],
    hostname: '',
    carrier: true,
    dhcp: true,
  };
  const tell = (address: string, ...otherAddresses: string[]) =>
    connection.sendEvent({ kind: 'networkChanged', facts: { ...nothing, link: 'eth0', address, otherAddresses } });
  tell('');
  tell('10.0.2.15/24');
  tell('10.0.2.15/24');
  tell('10.0.2.15/24', 'fd00::7/64');
  tell('', 'fd00::7/64');
  await until(() => changes === 2, 'two addresses were heard of');
  tell('10.0.2.15/24', 'fd00::7/64');
  await until(() => changes === 3, 'one that was away: a certificate from between does not have it');
  connection.sendEvent({ kind: 'clockStepped' });
  await until(() => changes === 4, 'the clock was set');
  t.equal(happenings, 1);
  t.notOk(isGoingDown);
  connection.sendEvent({ kind: 'shuttingDown' });
  await until(() => isGoingDown, 'it was heard');
  t.notOk(isLost);
  connection.close();
  await until(() => isLost, 'that was heard, too');
  link.close();
});
