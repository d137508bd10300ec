/**
 * How long kubeadm waits, in Go's form. It is told to try again by whoever runs it, so an endpoint that does not answer is soon reported; a control plane that
 * comes up on an emulated machine takes minutes.
 */

/** For the API server of the node to be healthy, and for the kubelet to get its certificate. */
export const CONTROL_PLANE_TIMEOUT = '10m0s';
/** For the cluster's endpoint to show that it is the right one. */
export const DISCOVERY_TIMEOUT = '2m0s';
