/** Settings of the kernel for each interface that is kept (its documentation: ip-sysctl). */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode, errorMessage } from '../base/errors.js';

interface LinkSetting {
  family: 'ipv4' | 'ipv6';
  key: string;
  value: string;
  /** For the log, where it cannot be set. */
  problem: string;
}

const SETTINGS: readonly LinkSetting[] = [
  {
    // Addresses and routes from router advertisements (SLAAC, RFC 4862), also on a machine that forwards packets itself, as a node with pods
    // does: the kernel's own 1 means "not then".
    ...{ family: 'ipv6', key: 'accept_ra', value: '2' },
    problem: 'router advertisements are not taken',
  },
  {
    // An address of ours that goes must not take others of its network with it: nobody looks after a leased one before its lease is renewed.
    ...{ family: 'ipv4', key: 'promote_secondaries', value: '1' },
    problem: 'addresses may go together with another one of their network',
  },
];

/**
 * Sets them unless they are so already. Does not block. CAP_NET_ADMIN suffices to write there.
 * @param procSys  /proc/sys, or another folder in tests
 */
export function applyLinkSettings(name: string, log: (text: string) => void, procSys = '/proc/sys'): void {
  for (const { family, key, value, problem } of SETTINGS) {
    const file = join(procSys, 'net', family, 'conf', name, key);
    try {
      if (readFileSync(file, 'latin1').trim() !== value) writeFileSync(file, `${value}\n`, { flag: 'r+' });
    } catch (error) {
      // Without IPv6, or the interface is gone.
      if (errorCode(error) !== 'ENOENT') log(`${name}: ${problem}: ${errorMessage(error)}`);
    }
  }
}
