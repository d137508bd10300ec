/** A worker thread that has everything of busy.ts going, says so, and waits. */
import { parentPort, workerData } from 'node:worker_threads';
import { loadNative } from '../../lib/native/index.js';
import { type Busy, busy } from './busy.js';

const native = loadNative();
const rounds: number = workerData.rounds;
const all: Busy[] = [];
for (let round = 0; round < rounds; round++) {
  for (const start of Object.values(busy)) {
    const work = start(native);
    work.pending?.catch(() => {});
    all.push(work);
  }
}
parentPort?.on('message', () => {
  for (const work of all) work.close?.();
  parentPort?.close();
});
parentPort?.postMessage('busy');
