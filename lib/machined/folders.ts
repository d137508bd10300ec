/** Where machined has its files. There are keys in both, so the API lists them and reads nothing of them. */

/** The config disk, for as long as it is read or written. */
export const MOUNT_POINT = '/system/config-disk';
/** What survives an end of machined, not one of the node. */
export const STATE_FOLDER = '/system/machined';
