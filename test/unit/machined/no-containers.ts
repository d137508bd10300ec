import { ControlError } from '../../../lib/control/errors.js';

/** Before there are any containers. */
export const NO_BLOCKD = {
  listDisks: async (): Promise<never> => {
    throw new ControlError('UNAVAILABLE', 'blockd, which works on disks, does not run');
  },
};

/** An image without Kubernetes. */
export const NO_KUBERNETES = {
  bootstrap: async (): Promise<never> => {
    throw new ControlError('FAILED_PRECONDITION', 'the image of this node has no Kubernetes');
  },
  leave: async (): Promise<void> => {},
  kubelet: async (): Promise<undefined> => undefined,
  restartKubelet: async (): Promise<never> => {
    throw new ControlError('NOT_FOUND', 'this node has no kubelet');
  },
};

/** What queries see before containerd has answered for the first time. */
export const NO_CONTAINERS = {
  get connection(): never {
    throw new ControlError('UNAVAILABLE', 'containerd does not run yet');
  },
};
