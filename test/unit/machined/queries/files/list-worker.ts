/** Lists a folder and tells how many names there were, and whether they came in order. */
import { parentPort, workerData } from 'node:worker_threads';
import { list } from './file-calls.js';

let count = 0;
let last = '';
let isSorted = true;
for await (const { relativeName = '' } of list({ root: workerData })) {
  if (relativeName !== '.') {
    isSorted &&= relativeName > last;
    last = relativeName;
  }
  count++;
}
parentPort?.postMessage({ count, isSorted });
