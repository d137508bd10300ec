import t from 'tap';
import type { FileSystemSpace, MountInfo, MountModule } from '../../../lib/native/contract.js';
import { loadNative } from '../../../lib/native/index.js';
import { MountUsageReader } from '../../../lib/os/mount-usage.js';

const failure = (code: string) => Object.assign(new Error(code), { code, syscall: 'statfs' });

t.test('one that hangs or may not be asked has no size, and is not asked again while it hangs', async (t) => {
  let stuck = 0;
  const asked: string[] = [];
  const mount = {
    mountInfo: () =>
      ['/', '/nfs', '/secret', '/with space'].map(
        (mountPoint) =>
          ({ source: 'source', mountPoint, fstype: mountPoint === '/nfs' ? 'nfs4' : 'ext4' }) as MountInfo,
      ),
    blockedCalls: () => ({ threads: stuck, stuck, waiting: 0 }),
    statfs: async (path: string, options?: { timeoutMs?: number }): Promise<FileSystemSpace> => {
      asked.push(path);
      if (path === '/secret') throw failure('EACCES');
      if (path === '/nfs') {
        t.equal(options?.timeoutMs, 5);
        stuck = 1;
        throw failure('ETIMEDOUT');
      }
      return { totalBytes: 1000, freeBytes: 500, availableBytes: 400 } as FileSystemSpace;
    },
  } satisfies Pick<MountModule, 'mountInfo' | 'blockedCalls' | 'statfs'>;
  const reader = new MountUsageReader(mount, 5);
  const expected = [
    { filesystem: 'source', mountedOn: '/', size: 1000, available: 400 },
    { filesystem: 'source', mountedOn: '/nfs', size: 0, available: 0 },
    { filesystem: 'source', mountedOn: '/secret', size: 0, available: 0 },
    { filesystem: 'source', mountedOn: '/with space', size: 1000, available: 400 },
  ];
  t.strictSame(await reader.read(), expected);
  t.strictSame(await reader.read(), expected);
  t.equal(asked.filter((path) => path === '/nfs').length, 1, 'a thread is not spent on it again');
  stuck = 0;
  await reader.read();
  t.equal(asked.filter((path) => path === '/nfs').length, 2);
});

t.test('a fault of ours is none of the file system', async (t) => {
  const mount = {
    mountInfo: () => [{ source: 'source', mountPoint: '/', fstype: 'ext4' } as MountInfo],
    blockedCalls: () => ({ threads: 0, stuck: 0, waiting: 0 }),
    statfs: async () => {
      throw new Error('bug');
    },
  };
  await t.rejects(new MountUsageReader(mount).read(), /bug/);
});

t.test('this host', async (t) => {
  const usage = await new MountUsageReader(loadNative().mount).read();
  t.ok((usage.find(({ mountedOn }) => mountedOn === '/')?.size ?? 0) > 0);
  t.match(
    usage.find(({ mountedOn }) => mountedOn === '/proc'),
    { filesystem: /proc/, size: 0 },
  );
});
