import { ControlError } from '../../control/errors.js';

/** Namespaces of containers as the API has them; '' means that of the system. @throws ControlError INVALID_ARGUMENT */
export function isKubernetesNamespace(namespace: string): boolean {
  if (namespace === '' || namespace === 'system') return false;
  if (namespace === 'k8s.io') return true;
  throw new ControlError('INVALID_ARGUMENT', `no namespace ${JSON.stringify(namespace)}: there are system and k8s.io`);
}
