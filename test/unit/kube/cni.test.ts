/** The network of pods as containerd is told it. */
import t from 'tap';
import { bridgeConflist, cniFile } from '../../../lib/kube/cni.js';
import { configWith } from '../../helpers/kubernetes-input.js';

t.test('plugins for the networks of a node', async (t) => {
  const { plugins, ...head } = JSON.parse(bridgeConflist(['10.244.1.0/24']));
  t.strictSame(head, { cniVersion: '1.0.0', name: 'pods' });
  t.strictSame(
    plugins.map(({ type }: { type: string }) => type),
    ['bridge', 'portmap'],
  );
  t.match(plugins[0], {
    bridge: 'cni0',
    isGateway: true,
    ipMasq: false,
    hairpinMode: true,
    ipam: { type: 'host-local', ranges: [[{ subnet: '10.244.1.0/24' }]], routes: [{ dst: '0.0.0.0/0' }] },
  });
  t.strictSame(plugins[1], { type: 'portmap', capabilities: { portMappings: true } });
  const { ipam } = JSON.parse(bridgeConflist(['fd00:244::/64', '10.244.1.0/24'])).plugins[0];
  t.strictSame(ipam.ranges, [[{ subnet: 'fd00:244::/64' }], [{ subnet: '10.244.1.0/24' }]]);
  t.strictSame(ipam.routes, [{ dst: '::/0' }, { dst: '0.0.0.0/0' }]);
  t.throws(() => bridgeConflist([]), { code: 'ERR_KUBERNETES', message: 'the node has no network for its pods yet' });
});

t.test('a cluster that brings its own gets none', async (t) => {
  const cidrs = ['10.244.1.0/24'];
  t.strictSame(cniFile(configWith(), cidrs), {
    path: '/etc/cni/net.d/10-pods.conflist',
    mode: 0o600,
    text: bridgeConflist(cidrs),
  });
  t.ok(cniFile(configWith({ cluster: { network: { cni: { name: 'bridge' } } } }), cidrs));
  t.equal(cniFile(configWith({ cluster: { network: { cni: { name: 'none' } } } }), cidrs), undefined);
});
