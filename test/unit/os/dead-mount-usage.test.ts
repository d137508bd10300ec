/** File systems that do not answer, among others that do. */
import t from 'tap';
import { loadNative } from '../../../lib/native/index.js';
import { MountUsageReader } from '../../../lib/os/mount-usage.js';
import { mountDead } from '../../native/dead-mount.js';
import { inNamespaces } from '../../native/in-namespaces.js';

const { mount } = loadNative();
const ANSWER_MS = 50;

if (inNamespaces(import.meta.url, ['--mount'])) {
  t.test(
    'dead mounts have no size, take nothing from the others, and hold one thread each, however often one asks',
    async (t) => {
      const dead = [mountDead(mount), mountDead(mount), mountDead(mount)];
      const closeAll = () => {
        for (const { close } of dead) close();
      };
      t.teardown(closeAll);
      const reader = new MountUsageReader(mount, ANSWER_MS);
      for (let round = 0; round < 3; round++) {
        const usage = await reader.read();
        const at = (place: string) => usage.find(({ mountedOn }) => mountedOn === place);
        for (const { folder } of dead) t.match(at(folder), { filesystem: 'dead', size: 0, available: 0 });
        t.ok((at('/')?.size ?? 0) > 0);
        t.equal(mount.blockedCalls().stuck, dead.length);
      }
      closeAll();
      while (mount.blockedCalls().stuck > 0) await new Promise(setImmediate);
      const usage = await reader.read();
      t.match(
        usage.find(({ mountedOn }) => mountedOn === dead[0]?.folder),
        { size: 0 },
        'asked again, and refused',
      );
      t.equal(mount.blockedCalls().stuck, 0);
    },
  );

  t.test('however many are dead, and however many ask at once, there are threads left for other calls', async (t) => {
    const dead = Array.from({ length: 20 }, () => mountDead(mount));
    const closeAll = () => {
      for (const { close } of dead) close();
    };
    t.teardown(closeAll);
    const reader = new MountUsageReader(mount, ANSWER_MS);
    for (let round = 0; round < 3; round++) {
      for (const usage of await Promise.all([reader.read(), reader.read()])) {
        for (const { folder } of dead)
          t.match(
            usage.find(({ mountedOn }) => mountedOn === folder),
            { size: 0 },
          );
        t.ok((usage.find(({ mountedOn }) => mountedOn === '/')?.size ?? 0) > 0, 'what answers is told');
      }
      t.equal(mount.blockedCalls().stuck, 8);
    }
    t.ok((await mount.statfs('/', { timeoutMs: 5000 })).totalBytes > 0);
    closeAll();
    while (mount.blockedCalls().stuck > 0) await new Promise(setImmediate);
  });
}
