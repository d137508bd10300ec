/** Rules for pods that talk to the outside, put into a kernel that is a fake: the booted node with Kubernetes has the real one. */
import t from 'tap';
import { masqueradeRules } from '../../../../lib/kube/masquerade.js';
import { setMasquerade } from '../../../../lib/machined/kubernetes/masquerade.js';
import { ProgramError } from '../../../../lib/machined/run-program.js';

const rules = masqueradeRules(['10.244.1.0/24'], ['10.244.0.0/16']);
const JUMP = ['POSTROUTING', '-m', 'comment', '--comment', 'pods to the outside', '-j', 'TALOS-MASQUERADE'];

/** @param status  with which iptables answers the question whether there is the jump */
function fake(status: number) {
  const runs: string[][] = [];
  return {
    runs,
    async run(program: string, argv: readonly string[], input = '') {
      runs.push([program, ...argv, ...(input === '' ? [] : [input])]);
      if (argv.includes('-C') && status !== 0) {
        throw new ProgramError('iptables failed', status);
      }
    },
  };
}

t.test('the chain is filled, then the jump into it is made where there is none', async (t) => {
  const first = fake(1);
  await setMasquerade(rules, first.run);
  t.strictSame(first.runs, [
    ['iptables-restore', '--noflush', rules[0]?.text],
    ['iptables', '-t', 'nat', '-C', ...JUMP],
    ['iptables', '-t', 'nat', '-A', ...JUMP],
  ]);
  const again = fake(0);
  await setMasquerade(rules, again.run);
  t.equal(again.runs.length, 2, 'not a second time');
});

t.test('another failure is one', async (t) => {
  const broken = fake(4);
  await t.rejects(setMasquerade(rules, broken.run), { code: 'ERR_PROGRAM' });
  t.equal(broken.runs.length, 2);
});
