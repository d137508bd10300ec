import { TalosError } from '../base/errors.js';
import { authoritiesOf } from '../config/authorities.js';
import type { NetworkDocument } from '../config/network-document.js';
import { type ParsedMachineConfig, parseMachineConfig, problemIn } from '../config/parse.js';
import { ConfigError, type ConfigProblem, formatProblem, problemOfAll } from '../config/problem.js';
import type { MachineConfig } from '../config/schema.js';
import { hostnameProblem } from '../os/hostname.js';
import { authorityProblem, parseCertificate } from '../pki/index.js';
import type { NodeIdentity } from './node-identity.js';

/** A config that this node can live with. */
export interface LoadedConfig {
  text: string;
  /** Plain values of its documents, to compare it by. */
  documents: readonly unknown[];
  config: MachineConfig;
  identity: NodeIdentity;
  hostname: string | undefined;
  /** What networkd is to make of the node. */
  network: NetworkDocument;
  /** Parts of the config that this version ignores, a sentence each. */
  warnings: string[];
}

/**
 * Checks the text of a machine config: its fields, and whether its certificates and keys are what they should be.
 * @throws TalosError ERR_CONFIG_INVALID  with all problems in one sentence, places and no values
 */
export function loadConfig(text: string): LoadedConfig {
  const parsed = parse(text);
  const { config, documents, network, warnings } = parsed;
  const { ca, acceptedCAs = [], certSANs = [], token } = config.machine;
  return {
    text,
    documents,
    config,
    identity: {
      ca: { crt: ca.crt, key: ca.key },
      acceptedCas: [ca.crt, ...acceptedCAs.map(({ crt }) => crt)].map((pem) => parseCertificate(pem).pem).join(''),
      certSans: certSANs,
      token,
      controlPlaneHost: hostOf(config.cluster.controlPlane.endpoint),
    },
    hostname: config.machine.network?.hostname,
    network,
    warnings: warnings.map(formatProblem),
  };
}

function parse(text: string): ParsedMachineConfig {
  try {
    const parsed = parseMachineConfig(text);
    const problems = contentProblems(parsed);
    if (problems.length > 0) throw new ConfigError(problems);
    return parsed;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const why = problemOfAll(error.problems) ?? `is not valid: ${error.problems.map(formatProblem).join('; ')}`;
    throw new TalosError('ERR_CONFIG_INVALID', `the machine config ${why}`, { cause: error });
  }
}

/** Of a URL that was checked: without the brackets of an IPv6 address. */
function hostOf(endpoint: string): string {
  return new URL(endpoint).hostname.replace(/^\[(.*)\]$/, '$1');
}

/** What a schema cannot see, and what would keep the API from coming up. */
function contentProblems(parsed: ParsedMachineConfig): ConfigProblem[] {
  const { config } = parsed;
  const problems = authoritiesOf(config).flatMap(({ path, pair }) => {
    const problem = authorityProblem(pair);
    return problem ? [problemIn(parsed, [...path, problem.field], problem.message)] : [];
  });
  const hostname = config.machine.network?.hostname;
  const nameProblem = hostname === undefined ? undefined : hostnameProblem(hostname);
  if (nameProblem !== undefined) problems.push(problemIn(parsed, ['machine', 'network', 'hostname'], nameProblem));
  return problems;
}
