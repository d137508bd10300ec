/** Rules for pods that talk to the outside, as iptables-restore reads them. */
import t from 'tap';
import { masqueradeRules } from '../../../lib/kube/masquerade.js';

t.test('pods keep their address inside the cluster, and have that of their node outside', async (t) => {
  t.strictSame(masqueradeRules(['10.244.1.0/24'], ['10.244.0.0/16']), [
    {
      family: 'inet',
      text: [
        '*nat',
        ':TALOS-MASQUERADE - [0:0]',
        '-A TALOS-MASQUERADE -d 10.244.0.0/16 -j RETURN',
        '-A TALOS-MASQUERADE -d 224.0.0.0/4 -j RETURN',
        '-A TALOS-MASQUERADE -s 10.244.1.0/24 -j MASQUERADE --random-fully',
        'COMMIT',
        '',
      ].join('\n'),
    },
  ]);
});

t.test('each IP version has rules of its own, where the node has pods of it', async (t) => {
  const subnets = ['10.244.0.0/16', 'fd00:244::/56'];
  const both = masqueradeRules(['10.244.1.0/24', 'fd00:244:0:1::/64'], subnets);
  t.strictSame(
    both.map(({ family }) => family),
    ['inet', 'inet6'],
  );
  t.match(
    both[1]?.text,
    /-d fd00:244::\/56 -j RETURN\n.*-d ff00::\/8 -j RETURN\n.*-s fd00:244:0:1::\/64 -j MASQUERADE/,
  );
  t.notMatch(both[1]?.text, /10\.244/);
  t.notMatch(both[0]?.text, /fd00/);
  t.strictSame(
    masqueradeRules(['fd00:244:0:1::/64'], subnets).map(({ family }) => family),
    ['inet6'],
  );
  t.strictSame(masqueradeRules([], subnets), []);
});
