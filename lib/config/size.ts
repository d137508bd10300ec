/** How large a machine config may be, for all who read, carry or keep one. */
import { KIB, MIB } from '../base/units.js';

/** Of its UTF-8 text. More than any machine config ever needed, little enough to be parsed in well under a second. */
export const MAX_CONFIG_BYTES = MIB;
/** Of a request that carries one: the rest of it is a few numbers. */
export const MAX_CONFIG_REQUEST_BYTES = MAX_CONFIG_BYTES + 4 * KIB;
/** What is said, behind the name of whatever is too large. */
export const CONFIG_TOO_LARGE = `is larger than ${MAX_CONFIG_BYTES / MIB} MiB, which is all that a config may have`;
