/**
 * Pods of two nodes that talk to each other. What runs in them is etcd, the one program of the release's own images that serves and calls others: a store on
 * one node, and `etcd gateway`, which passes connections on, on the other; the API server asks the gateway, so each answer has been through both.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { errorMessage } from '../../../lib/base/errors.js';
import { type KubeClient, textAt } from '../../../lib/kube/api/index.js';
import { seconds } from '../deadline.js';
import { object, PODS, startPod } from './start-pod.js';

const ETCD = '/usr/local/bin/etcd';
const STORE_PORT = 2379;
const [BY_SERVICE, BY_ADDRESS] = [23_790, 23_791];
/** kube-proxy learns of a pod that is ready, and writes rules; after a restart of its node the pod begins anew. */
const RULES_MS = seconds(180);
const LOOK_AGAIN_MS = 500;

export interface PodTraffic {
  /** Address of the store, in the network of pods. */
  readonly storeAddress: string;
  /** Resolves when the store has answered by way of the gateway, through its service. */
  answersByService(): Promise<void>;
  /** The same by the address that the store had. */
  answersByAddress(): Promise<void>;
}

/** @param nodes  names: where the store runs, and where the gateway */
export async function podTraffic(
  client: KubeClient,
  image: string,
  nodes: { store: string; gateway: string },
): Promise<PodTraffic> {
  const service = await client.apply('/api/v1/namespaces/default/services/store', {
    ...object('Service', 'store'),
    // A kernel without the match by ports of SCTP refuses kube-proxy's rules as a whole, and the other port does not answer either.
    spec: {
      selector: { app: 'store' },
      ports: (['TCP', 'SCTP'] as const).map((protocol) => ({
        name: protocol.toLowerCase(),
        port: STORE_PORT,
        protocol,
      })),
    },
  });
  const clusterIp = textAt(service, 'spec', 'clusterIP') ?? '';
  const everywhere = `http://0.0.0.0:${STORE_PORT}`;
  const serve = [`--listen-client-urls=${everywhere}`, `--advertise-client-urls=${everywhere}`, '--data-dir=/data'];
  const storeAddress = await startPod(client, 'store', nodes.store, {
    containers: [
      {
        ...container('store', image, [ETCD, ...serve], STORE_PORT),
        volumeMounts: [{ name: 'data', mountPath: '/data' }],
      },
    ],
    volumes: [{ name: 'data', emptyDir: {} }],
  });
  const gateway = (name: string, to: string, port: number) => {
    const words = [`--endpoints=${to}:${STORE_PORT}`, `--listen-addr=0.0.0.0:${port}`, '--retry-delay=1s'];
    return container(name, image, [ETCD, 'gateway', 'start', ...words], port);
  };
  await startPod(client, 'gateway', nodes.gateway, {
    containers: [gateway('by-service', clusterIp, BY_SERVICE), gateway('by-address', storeAddress, BY_ADDRESS)],
  });
  const isAnswering = async (port: number) => {
    const endMs = Date.now() + RULES_MS;
    for (;;) {
      try {
        const answer = await client.get(`${PODS}/gateway:${port}/proxy/health`);
        if (textAt(answer, 'health') === 'true') return;
        throw new Error(`the store says ${JSON.stringify(answer)}`);
      } catch (error) {
        if (Date.now() > endMs)
          throw new Error(`port ${port} of the gateway: ${errorMessage(error)}`, { cause: error });
        await sleep(LOOK_AGAIN_MS);
      }
    }
  };
  return {
    storeAddress,
    answersByService: () => isAnswering(BY_SERVICE),
    answersByAddress: () => isAnswering(BY_ADDRESS),
  };
}

const container = (name: string, image: string, command: readonly string[], port: number) => ({
  name,
  image,
  imagePullPolicy: 'Never',
  command: [...command],
  readinessProbe: { tcpSocket: { port }, periodSeconds: 2 },
});
