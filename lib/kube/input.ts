/** What everything in this folder is made from: a machine config, a release, and facts about the node. */
import type { PemPair } from '../base/secrets-bundle.js';
import type { KubernetesRelease } from './release.js';

/** Flags of a program without their dashes, with their values. */
export type Flags = Readonly<Record<string, string>>;

/** Plain data of another project's making. */
export type Fields = Readonly<Record<string, unknown>>;

interface WithFlags {
  readonly extraArgs?: Flags | undefined;
}

/** The part of a machine config that is about Kubernetes; `MachineConfig` of lib/config is one. Its docs say what the fields mean. */
export interface KubernetesConfig {
  readonly machine: {
    readonly type: 'controlplane' | 'worker';
    readonly kubelet?:
      | (WithFlags & {
          readonly clusterDNS?: readonly string[] | undefined;
          readonly defaultRuntimeSeccompProfileEnabled?: boolean | undefined;
          readonly extraConfig?: Fields | undefined;
          readonly nodeIP?: { readonly validSubnets?: readonly string[] | undefined } | undefined;
        })
      | undefined;
    readonly nodeLabels?: Readonly<Record<string, string>> | undefined;
    readonly nodeTaints?: Readonly<Record<string, string>> | undefined;
  };
  readonly cluster: {
    readonly clusterName?: string | undefined;
    readonly controlPlane: { readonly endpoint: string; readonly localAPIServerPort?: number | undefined };
    readonly network?:
      | {
          readonly dnsDomain?: string | undefined;
          readonly podSubnets?: readonly string[] | undefined;
          readonly serviceSubnets?: readonly string[] | undefined;
          readonly cni?: { readonly name: 'bridge' | 'custom' | 'none' } | undefined;
        }
      | undefined;
    readonly token?: string | undefined;
    readonly aescbcEncryptionSecret?: string | undefined;
    readonly secretboxEncryptionSecret?: string | undefined;
    readonly ca?: PemPair | undefined;
    readonly aggregatorCA?: PemPair | undefined;
    readonly serviceAccount?: { readonly key: string } | undefined;
    readonly allowSchedulingOnControlPlanes?: boolean | undefined;
    readonly apiServer?:
      | (WithFlags & {
          readonly certSANs?: readonly string[] | undefined;
          readonly auditPolicy?: Fields | undefined;
          readonly admissionControl?: readonly { readonly name: string; readonly configuration: Fields }[] | undefined;
        })
      | undefined;
    readonly controllerManager?: WithFlags | undefined;
    readonly scheduler?: WithFlags | undefined;
    readonly etcd?:
      | (WithFlags & {
          readonly ca?: PemPair | undefined;
          readonly advertisedSubnets?: readonly string[] | undefined;
          readonly subnet?: string | undefined;
        })
      | undefined;
    readonly proxy?:
      | { readonly disabled?: boolean | undefined; readonly mode?: 'iptables' | 'nftables' | undefined }
      | undefined;
    readonly coreDNS?: { readonly disabled?: boolean | undefined } | undefined;
  };
}

/** What the node itself knows. */
export interface NodeFacts {
  /** Its host name: the Node has the same in lower case. */
  readonly hostname: string;
  /** Addresses of its interfaces with their prefix lengths, the preferred one first; without those of the bridge of its pods. */
  readonly addresses: readonly string[];
  /** All of its memory. */
  readonly memoryBytes: number;
  /** Time of day, for the lifetimes of certificates. */
  readonly nowMs: number;
}

export interface KubeadmInput {
  readonly config: KubernetesConfig;
  readonly release: KubernetesRelease;
  readonly facts: NodeFacts;
  /** 32 bytes in hexadecimal, for clusters whose authorities travel by kubeadm's upload; ours come from the machine config. */
  readonly certificateKey?: string | undefined;
}

/** A file that has to be there before kubeadm or the kubelet starts; of root, like its folder. */
export interface FileToWrite {
  /** Absolute. */
  readonly path: string;
  readonly mode: number;
  readonly text: string;
}
