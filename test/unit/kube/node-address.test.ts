/** Which of its addresses a node has in its cluster. */
import t from 'tap';
import { nodeAddresses } from '../../../lib/kube/node-address.js';
import { inputWith } from '../../helpers/kubernetes-input.js';

const DUAL = { podSubnets: ['10.244.0.0/16', 'fd00:244::/56'], serviceSubnets: ['10.96.0.0/12', 'fd00:96::/112'] };

function chosen(
  addresses: string[],
  { validSubnets, endpoint, network }: { validSubnets?: string[]; endpoint?: string; network?: object } = {},
): string[] {
  const { config } = inputWith({
    machine: { kubelet: { nodeIP: { validSubnets } } },
    cluster: { ...(endpoint && { controlPlane: { endpoint } }), ...(network && { network }) },
  });
  return nodeAddresses(config, { addresses });
}

t.test('the address of a node', async (t) => {
  const two = ['10.0.2.15/24', '10.5.0.3/24'];
  const elsewhere = 'https://api.example:6443';
  t.strictSame(chosen(two), ['10.5.0.3'], 'in the network of the endpoint');
  t.strictSame(chosen(two, { endpoint: elsewhere }), ['10.0.2.15'], 'else the first');
  t.strictSame(chosen(two, { endpoint: elsewhere, validSubnets: ['10.5.0.0/16'] }), ['10.5.0.3']);
  t.strictSame(chosen(two, { validSubnets: ['10.0.0.0/16'] }), ['10.0.2.15'], 'what is asked for counts first');
  t.strictSame(chosen(two, { validSubnets: ['!10.5.0.0/24'] }), ['10.0.2.15']);
  t.strictSame(chosen(two, { validSubnets: ['10.0.0.0/8', '!10.5.0.3/32'] }), ['10.0.2.15']);
  t.strictSame(chosen(two, { validSubnets: ['192.0.2.0/24'] }), []);
  t.strictSame(
    chosen(['127.0.0.1/8', '169.254.1.1/16', '10.244.0.1/24', '10.100.0.1/32', 'fe80::1/64', '10.0.2.15/24'], {
      endpoint: elsewhere,
    }),
    ['10.0.2.15'],
  );
  t.strictSame(chosen(['fd00::2/64']), [], 'of the version that pods have');
});

t.test("of both IP versions, the pods' first one first", async (t) => {
  const addresses = ['FD00:5::2/64', '10.5.0.2/24'];
  t.strictSame(chosen(addresses, { network: DUAL }), ['10.5.0.2', 'fd00:5::2']);
  const turned = { podSubnets: [...DUAL.podSubnets].reverse(), serviceSubnets: DUAL.serviceSubnets };
  t.strictSame(chosen(addresses, { network: turned }), ['fd00:5::2', '10.5.0.2']);
  t.strictSame(chosen(['10.5.0.2/24'], { network: DUAL }), ['10.5.0.2']);
});
