/**
 * Does work for each of several things, for a few of them at a time, in their order.
 * @param atOnce  how many, at least 1
 * @throws what the first of them throws; none is begun after that
 */
export async function eachAtMost<T>(
  things: readonly T[],
  atOnce: number,
  work: (thing: T) => Promise<void>,
): Promise<void> {
  const queue = things.values();
  let hasFailed = false;
  const workThrough = async () => {
    try {
      for (const thing of queue) {
        await work(thing);
        if (hasFailed) return;
      }
    } catch (error) {
      hasFailed = true;
      throw error;
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, things.length) }, workThrough));
}
