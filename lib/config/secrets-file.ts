/** The secrets of a cluster as a file, in the form of talosctl's `gen secrets`: with it the same configs can be generated again. */
import { stringify } from 'yaml';
import * as z from 'zod';
import type { PemPair, SecretsBundle } from '../base/secrets-bundle.js';
import { problemAt, readDocuments } from './document.js';
import { pemKey, pemPair, secret32, token } from './fields.js';
import { ConfigError } from './problem.js';

const wholePair = pemPair.refine(({ key }) => key !== '', 'the private key is missing');

const schema = z.looseObject({
  cluster: z.looseObject({ id: secret32, secret: secret32 }),
  secrets: z.looseObject({ bootstraptoken: token, secretboxencryptionsecret: secret32 }),
  trustdinfo: z.looseObject({ token }),
  certs: z.looseObject({
    etcd: wholePair,
    k8s: wholePair,
    k8saggregator: wholePair,
    k8sserviceaccount: z.looseObject({ key: pemKey }),
    os: wholePair,
  }),
});

/**
 * Parses a secrets file.
 * @throws ConfigError  naming fields and lines, never values
 */
export function parseSecrets(text: string, what = 'the secrets file'): SecretsBundle {
  const { documents, problems } = readDocuments(text);
  const [document] = documents;
  if (document === undefined) {
    if (problems.length === 0) problems.push({ path: '', line: 0, message: 'is empty' });
    throw new ConfigError(problems, what);
  }
  const result = schema.safeParse(document.value);
  if (!result.success) {
    problems.push(...result.error.issues.map((issue) => problemAt(document, issue.path, issue.message)));
  }
  if (!result.success || problems.length > 0) throw new ConfigError(problems, what);
  const { cluster, secrets, trustdinfo, certs } = result.data;
  return {
    cluster: { id: cluster.id, secret: cluster.secret },
    bootstrapToken: secrets.bootstraptoken,
    secretboxEncryptionSecret: secrets.secretboxencryptionsecret,
    machineToken: trustdinfo.token,
    certs: {
      os: certs.os,
      k8s: certs.k8s,
      k8sAggregator: certs.k8saggregator,
      etcd: certs.etcd,
      k8sServiceAccount: { key: certs.k8sserviceaccount.key },
    },
  };
}

/** The text of a secrets file. */
export function stringifySecrets(bundle: SecretsBundle): string {
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  const pair = ({ crt, key }: PemPair) => ({ crt: base64(crt), key: base64(key) });
  const { certs } = bundle;
  return stringify(
    {
      cluster: bundle.cluster,
      secrets: {
        bootstraptoken: bundle.bootstrapToken,
        secretboxencryptionsecret: bundle.secretboxEncryptionSecret,
      },
      trustdinfo: { token: bundle.machineToken },
      certs: {
        etcd: pair(certs.etcd),
        k8s: pair(certs.k8s),
        k8saggregator: pair(certs.k8sAggregator),
        k8sserviceaccount: { key: base64(certs.k8sServiceAccount.key) },
        os: pair(certs.os),
      },
    },
    { lineWidth: 0 },
  );
}
