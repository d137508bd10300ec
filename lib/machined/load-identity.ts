import { TalosError } from '../base/errors.js';
import { ConfigError, formatProblem, parseMachineConfig } from '../config/index.js';
import type { NodeIdentity } from './node-identity.js';

export interface LoadedIdentity {
  identity: NodeIdentity;
  hostname: string | undefined;
  /** Name of the interface that is to be served by DHCP. */
  dhcpLink: string | undefined;
  /** Parts of the config that this version ignores, a sentence each. */
  warnings: string[];
}

/**
 * Takes from the text of a machine config what this process needs; the rest is dropped.
 * @throws TalosError ERR_CONFIG_INVALID  with all problems in one sentence, places and no values
 */
export function loadIdentity(text: string): LoadedIdentity {
  const { config, dhcpLink, warnings } = parse(text);
  const { ca, acceptedCAs = [], certSANs = [], network } = config.machine;
  if (ca.key === '') {
    throw new TalosError(
      'ERR_CONFIG_INVALID',
      'machine.ca has no key: nodes that get their certificate from another node are not supported yet',
    );
  }
  return {
    identity: {
      ca: { crt: ca.crt, key: ca.key },
      acceptedCas: [ca.crt, ...acceptedCAs.map(({ crt }) => crt)].map((pem) => `${pem.trimEnd()}\n`).join(''),
      certSans: certSANs,
    },
    hostname: network?.hostname,
    dhcpLink,
    warnings: warnings.map(formatProblem),
  };
}

function parse(text: string): ReturnType<typeof parseMachineConfig> {
  try {
    return parseMachineConfig(text);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const [first, ...others] = error.problems;
    const more = others.length > 0 ? ` (and ${others.length} more)` : '';
    throw new TalosError(
      'ERR_CONFIG_INVALID',
      `the machine config is not valid: ${first ? formatProblem(first) : ''}${more}`,
      {
        cause: error,
      },
    );
  }
}
