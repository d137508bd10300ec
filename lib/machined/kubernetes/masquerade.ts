/** The rules by which pods have their node's address outside of the cluster (lib/kube/masquerade.ts), put into the kernel. */
import { MASQUERADE_JUMP, type MasqueradeRules } from '../../kube/masquerade.js';
import { ProgramError, runProgram } from '../run-program.js';

const PROGRAMS = { inet: 'iptables', inet6: 'ip6tables' } as const;
/** iptables(8): what was asked about is not there. */
const NOT_THERE = 1;

/**
 * May be repeated: the chain is filled anew in one step, and nothing else of the table is touched.
 * @param run  a fake in tests
 * @throws ProgramError
 */
export async function setMasquerade(rules: readonly MasqueradeRules[], run = runProgram): Promise<void> {
  for (const { family, text } of rules) {
    const program = PROGRAMS[family];
    await run(`${program}-restore`, ['--noflush'], text);
    try {
      await run(program, ['-t', 'nat', '-C', ...MASQUERADE_JUMP]);
    } catch (error) {
      if (!(error instanceof ProgramError) || error.exitStatus !== NOT_THERE) throw error;
      await run(program, ['-t', 'nat', '-A', ...MASQUERADE_JUMP]);
    }
  }
}
