// A step of the build that is left out when its inputs are those of the last time.
import { step } from './progress.mjs';
import { stamp } from './stamp.mjs';

/**
 * Does a step unless its stamp says that nothing has changed.
 * @param {string} name
 * @param {{hash: string, outputs: string[]}} made
 * @param {(progress: {update: (detail: string, percent?: number) => void}) => Promise<string | void>} work
 *   a complaint that it returns is shown, and the step is done again the next time
 */
export async function stamped(name, made, work) {
  await step(name, async (progress) => {
    const record = stamp(name.toLowerCase().replaceAll(/\W+/g, '-'), made.hash, made.outputs);
    if (record.isCurrent) return 'up to date';
    record.begin();
    const complaint = await work(progress);
    if (complaint) return complaint;
    record.complete();
    return 'done';
  });
}
