import type { MountInfo, MountModule, MountOptions } from '../../../lib/native/contract.js';

/** A mount table in memory; `refuse` and `hang` decide about single calls. */
export class FakeMount implements Pick<MountModule, 'mount' | 'mountSync' | 'umount' | 'mountInfo'> {
  readonly calls: MountOptions[] = [];
  readonly unmounts: [target: string, flags: string][] = [];
  refuse: (target: string, flags: string[]) => string | undefined = () => undefined;
  hang: (target: string, flags: string[]) => boolean = () => false;

  constructor(public table: MountInfo[] = []) {}

  async mount(options: MountOptions): Promise<void> {
    this.mountSync(options);
  }

  mountSync(options: MountOptions): void {
    this.calls.push(options);
    const code = this.refuse(options.target, options.flags);
    if (code) throw Object.assign(new Error(`${code}: mount '${options.target}'`), { code });
    if (!options.flags.includes('remount')) {
      this.table.push(mountInfo(options.target, { fstype: options.fstype, id: 1000 + this.table.length }));
    }
  }

  async umount(target: string, flags: string[]): Promise<void> {
    this.unmounts.push([target, flags.join()]);
    if (this.hang(target, flags)) return new Promise(() => {});
    const code = this.refuse(target, flags);
    if (code) throw Object.assign(new Error(`${code}: umount2 '${target}'`), { code });
    this.table.splice(
      this.table.findLastIndex(({ mountPoint }) => mountPoint === target),
      1,
    );
  }

  mountInfo(): MountInfo[] {
    return [...this.table];
  }
}

export function mountInfo(mountPoint: string, more: Partial<MountInfo> = {}): MountInfo {
  return {
    id: 1,
    parentId: 0,
    device: '0:20',
    root: '/',
    mountPoint,
    options: 'rw',
    propagation: 'private',
    fstype: 'tmpfs',
    source: 'tmpfs',
    superOptions: 'rw',
    ...more,
  };
}
