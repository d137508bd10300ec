import { join } from 'node:path';
import { readAttribute } from './proc/read.js';

const DMI_FOLDER = '/sys/class/dmi/id';
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** What vendors, and QEMU, write where there is none. */
const NO_SERIAL = /^(not (specified|available|applicable)|none|default string|to be filled by o\.?e\.?m\.?|0+)$/i;

/** What the firmware calls the machine; absent: it does not, or this process may not know. */
export interface MachineNames {
  /** In lower case, as the kernel writes it. */
  uuid?: string;
  serial?: string;
}

/**
 * Reads UUID and serial number of the machine (SMBIOS, type 1), which only root may. Machines without SMBIOS, such as QEMU's microvm and arm64 boards that
 * start without UEFI, have neither.
 * Source: DSP0134, 7.2; the kernel's documentation of /sys/class/dmi/id.
 */
export async function machineNames(folder = DMI_FOLDER): Promise<MachineNames> {
  const [uuid = '', serial = ''] = await Promise.all([
    readAttribute(join(folder, 'product_uuid')),
    readAttribute(join(folder, 'product_serial')),
  ]);
  const id = uuid.toLowerCase();
  // All zeros and all ones are SMBIOS' words for none.
  const isId = UUID.test(id) && !/^[0-]+$|^[f-]+$/.test(id);
  // Whatever stands in a path of a URL must not be one of its dots.
  const isSerial = /[a-z0-9]/i.test(serial) && !NO_SERIAL.test(serial);
  return { ...(isId && { uuid: id }), ...(isSerial && { serial }) };
}
