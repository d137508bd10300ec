/** Nodes as the Kubernetes API has them. */
import type { KubeObject } from './kube-api.js';

/** As its kubelet and the node controller describe it. @param why  it is not Ready */
export function kubeNode(name: string, why?: string): KubeObject {
  const ready =
    why === undefined
      ? { type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'kubelet is posting ready status' }
      : { type: 'Ready', status: 'False', reason: 'KubeletNotReady', message: why };
  const nodeInfo = { kubeletVersion: 'v1.20.2' };
  return { metadata: { name }, status: { conditions: [{ type: 'DiskPressure', status: 'False' }, ready], nodeInfo } };
}
