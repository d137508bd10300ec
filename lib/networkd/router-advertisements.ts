import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode, errorMessage } from '../base/errors.js';

/** Also on a machine that forwards packets itself, as a node with pods does: the kernel's own 1 means "not then". */
const ALWAYS = '2';

/**
 * Lets the kernel take addresses and routes from the router advertisements on an interface (SLAAC, RFC 4862). Does not block.
 * CAP_NET_ADMIN suffices to write there.
 * @param procSys  /proc/sys, or another folder in tests
 */
export function acceptAdvertisements(name: string, log: (text: string) => void, procSys = '/proc/sys'): void {
  const file = join(procSys, 'net/ipv6/conf', name, 'accept_ra');
  try {
    if (readFileSync(file, 'latin1').trim() === ALWAYS) return;
    writeFileSync(file, `${ALWAYS}\n`, { flag: 'r+' });
  } catch (error) {
    // Without IPv6, or the interface is gone.
    if (errorCode(error) !== 'ENOENT') log(`${name}: router advertisements are not taken: ${errorMessage(error)}`);
  }
}
