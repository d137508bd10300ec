import { MAX_CONFIG_BYTES } from '../config/size.js';
import { BootFile, type BootFileOptions } from './boot-file.js';

/**
 * The config that this boot runs with, for a machined that is started again: what is on the disk may be meant for the next boot, or the
 * running config may not be there at all.
 */
export class RunningConfig extends BootFile {
  constructor(files: BootFileOptions['files'], folder: string) {
    super({ files, folder, name: 'running-config.yaml', maxBytes: MAX_CONFIG_BYTES });
  }
}
