import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { PerfRecording } from '../../../../benchmarks/profile/perf-recording.js';

/** Above the largest that Linux gives (proc_sys_kernel(5), pid_max). */
const NOBODY = 2 ** 22 + 1;

t.test('where perf cannot do it, whether it is there or not, it says so', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'talos-test-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  await t.rejects(PerfRecording.start(NOBODY, join(folder, 'x.perf')), {
    code: 'ERR_NO_PERF',
    message: /^perf cannot look into processes here: \S/,
    hint: /linux-perf/,
  });
});
