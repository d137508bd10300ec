/** Brings objects into a cluster, in an order in which they can be there. */
import type { KubeClient } from './client.js';
import { Discovery, type ObjectPlace } from './discovery.js';
import { KubeError, type KubeErrorCode } from './errors.js';
import { type JsonObject, objectAt } from './json.js';

/** An object as it is written. */
export interface ObjectToApply extends ObjectPlace {
  readonly fields: JsonObject;
}

export interface Unapplied<T> {
  readonly object: T;
  readonly error: KubeError;
}

/** What all others need comes first; what speaks up in every call, and whose server runs in the cluster, last. All others in the order in which they are written. */
const FIRST = ['Namespace', 'CustomResourceDefinition'];
const LAST = ['APIService', 'MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration'];

/** About one object alone: the next one may fare better. */
const OF_THE_OBJECT: ReadonlySet<KubeErrorCode> = new Set([
  'ERR_KUBE_NOT_FOUND',
  'ERR_KUBE_FORBIDDEN',
  'ERR_KUBE_REFUSED',
]);

/** A copy in the order of application. */
export function inOrder<T extends Pick<ObjectPlace, 'kind'>>(objects: readonly T[]): T[] {
  const rank = ({ kind }: T) => {
    const first = FIRST.indexOf(kind);
    return first >= 0 ? first - FIRST.length : LAST.indexOf(kind) + 1;
  };
  // Of equal ones the order stays.
  return [...objects].sort((left, right) => rank(left) - rank(right));
}

/**
 * Applies each of them (server-side apply, whoever else has set the same fields).
 * @param applied  told of each that is there
 * @returns those that the server did not take, or has no kind for
 * @throws KubeError  the server cannot be asked: what is said of one would be said of all
 */
export async function applyObjects<T extends ObjectToApply>(
  client: Pick<KubeClient, 'get' | 'apply'>,
  objects: readonly T[],
  { applied, signal }: { applied(object: T): void; signal: AbortSignal },
): Promise<Unapplied<T>[]> {
  const discovery = new Discovery(client);
  const left: Unapplied<T>[] = [];
  for (const object of inOrder(objects)) {
    try {
      const { path, namespace } = await discovery.find(object, signal);
      await client.apply(path, placed(object.fields, namespace), { signal });
      applied(object);
    } catch (error) {
      if (!(error instanceof KubeError) || !OF_THE_OBJECT.has(error.code)) throw error;
      left.push({ object, error });
    }
  }
  return left;
}

/** The server refuses an object whose namespace is not that of its path, and one of no namespace that names one. */
function placed(fields: JsonObject, namespace: string | undefined): JsonObject {
  const { namespace: _, ...metadata } = objectAt(fields, 'metadata') ?? {};
  return { ...fields, metadata: { ...metadata, ...(namespace !== undefined && { namespace }) } };
}
