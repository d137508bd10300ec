/** Configs, releases and facts for tests of what Kubernetes is told. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { GIB } from '../../lib/base/units.js';
import { generateConfig, type MachineConfig, parseMachineConfig } from '../../lib/config/index.js';
import { repositoryRoot } from '../../lib/image/paths.js';
import type { KubeadmInput, NodeFacts } from '../../lib/kube/input.js';
import { findRelease, type KubernetesRelease, parseReleases, RELEASES_FILE } from '../../lib/kube/release.js';
import { generateSecrets, issueClientCertificate } from '../../lib/pki/index.js';

type Fields = Record<string, unknown>;

export const RELEASES = parseReleases(await readFile(path.join(repositoryRoot(), RELEASES_FILE), 'utf8'));

/** A row that there is none of: the version of kubeadm's API between those of our rows. */
export const RELEASE_28: KubernetesRelease = {
  ...findRelease(RELEASES, 'v1.35.0'),
  version: 'v1.28.0',
  kubeadmApi: 'kubeadm.k8s.io/v1beta3',
};

export const secrets = await generateSecrets();
const admin = await issueClientCertificate({ ca: secrets.certs.os, roles: ['os:admin'] });
const texts = generateConfig({
  clusterName: 'local',
  endpoint: 'https://10.5.0.2:6443',
  secrets,
  admin,
  additionalSans: ['10.9.9.9', 'api.example'],
});

export interface Change {
  machine?: Fields;
  cluster?: Fields;
}

const isMap = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);

function merge(into: Fields, from: Fields): void {
  for (const [name, value] of Object.entries(from)) {
    const own = into[name];
    if (isMap(own) && isMap(value)) merge(own, value);
    else into[name] = value;
  }
}

/** What `osctl gen config` makes, with these fields in addition: null takes one away. Checked as any config. */
export function configWith(change: Change = {}, type: 'controlplane' | 'worker' = 'controlplane'): MachineConfig {
  const config = parse(texts[type]) as Fields;
  merge(config, change as Fields);
  return parseMachineConfig(stringify(config)).config;
}

export const FACTS: NodeFacts = {
  hostname: 'node-1',
  addresses: ['127.0.0.1/8', '10.0.2.15/24', '10.5.0.2/24', 'fe80::1/64'],
  memoryBytes: 4 * GIB,
  nowMs: Date.now(),
};

export interface InputChange extends Change {
  type?: 'controlplane' | 'worker';
  release?: KubernetesRelease;
  facts?: Partial<NodeFacts>;
}

export function inputWith({
  type,
  release = findRelease(RELEASES, 'v1.20.2'),
  facts,
  ...change
}: InputChange = {}): KubeadmInput {
  return { config: configWith(change, type), release, facts: { ...FACTS, ...facts } };
}

/** Plain data whose shape a test knows. */
export type Plain = ReturnType<typeof JSON.parse>;

/** The documents of a text, by their kinds, as Go's parser has them. */
export function documentsOf(text: string): Record<string, Plain> {
  const documents = parseAllDocuments(text, { version: '1.1' }) as { toJS(): { kind: string } }[];
  return Object.fromEntries(documents.map((document) => [document.toJS().kind, document.toJS()]));
}
