import type { Method } from '../client/index.js';
import { NodesFailed } from './exit.js';
import type { Session, Target } from './session.js';

/**
 * Makes a call that is answered by a stream on all nodes at once.
 * @param take  each batch as it comes; while it is busy nothing more is taken from that node
 * @returns what throws the failures, to be called when everything is printed; with one node its failure is thrown at once
 */
export async function streamAll<Request, Reply>(
  session: Session,
  method: Method<Request, Reply>,
  request: Request,
  take: (target: Target, batch: Reply[]) => Promise<void>,
): Promise<() => void> {
  const failures: { node: string; error: unknown }[] = [];
  await Promise.all(
    session.targets.map(async (target) => {
      try {
        for await (const batch of session.client.stream(method, request, { node: target.node })) {
          await take(target, batch);
        }
      } catch (error) {
        if (session.targets.length === 1) throw error;
        failures.push({ node: target.name, error });
      }
    }),
  );
  return () => {
    if (failures.length > 0) throw new NodesFailed(failures);
  };
}
