/** The context of the client config that a command works with, or the place of what is wrong with it. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { isEndpoint } from '../client/endpoint.js';
import type { Credentials } from '../client/index.js';
import { type ClientContext, selectContext } from '../config/client-config.js';
import { requireClientConfig } from '../config/client-config-file.js';
import { ConfigError, type ConfigProblem } from '../config/problem.js';
import { standardPrivateKeyPem } from '../pki/keys.js';

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
const HOW_TO_ADD = 'add a context with `osctl config add`, or merge a client config with `osctl config merge`';

export interface UsableContext {
  name: string;
  context: ClientContext;
  /** As TLS libraries read it. */
  credentials: Credentials;
}

/**
 * Finds the client config, the context, and what it holds.
 * @param wanted  name of another context than the current one
 * @throws TalosError  no config, no such context · ConfigError  file, line and field of what cannot be used; values are not repeated
 */
export async function usableContext(paths: readonly string[], wanted: string | undefined): Promise<UsableContext> {
  const file = await requireClientConfig(paths);
  const { name, context } = selectContext(file.config, wanted, file);
  const problems: ConfigProblem[] = [];
  const complain = (field: string[], message: string) => {
    const path = ['contexts', name, ...field];
    problems.push({ path: path.join('.'), line: file.lineOf(path), message });
  };
  for (const endpoint of context.endpoints ?? []) {
    if (!isEndpoint(endpoint))
      complain(['endpoints'], `${JSON.stringify(endpoint)} is not an endpoint: write host or host:port`);
  }
  const pem = { ca: '', crt: '', key: '' };
  for (const field of ['ca', 'crt', 'key'] as const) {
    const base64 = context[field]?.replace(/\s/g, '') ?? '';
    if (base64 === '' && field !== 'ca') complain([field], `is missing: ${HOW_TO_ADD}`);
    else if (base64 !== '' && (!BASE64.test(base64) || base64.length % 4 !== 0))
      complain([field], 'must be base64 of PEM');
    else pem[field] = Buffer.from(base64, 'base64').toString();
  }
  if (problems.length === 0) checkPem(pem, complain);
  if (problems.length > 0) throw new ConfigError(problems, file.path);
  return { name, context, credentials: { ...pem, key: standardPrivateKeyPem(pem.key) } };
}

function checkPem({ ca, crt, key }: Credentials, complain: (field: string[], message: string) => void): void {
  if (ca !== '' && certificatesIn(ca).length === 0) complain(['ca'], 'holds no certificate in PEM');
  const [certificate] = certificatesIn(crt);
  if (certificate === undefined) complain(['crt'], 'holds no certificate in PEM');
  let privateKey: ReturnType<typeof createPrivateKey>;
  try {
    privateKey = createPrivateKey(standardPrivateKeyPem(key));
  } catch {
    complain(['key'], 'holds no unencrypted private key in PEM');
    return;
  }
  if (certificate && !certificate.checkPrivateKey(privateKey))
    complain(['key'], 'is not the private key of the certificate beside it');
}

/** None if one of them cannot be read. */
function certificatesIn(pem: string): X509Certificate[] {
  try {
    return (pem.match(CERTIFICATE) ?? []).map((each) => new X509Certificate(each));
  } catch {
    return [];
  }
}
