/** What checks of a node's health have in common. */
import { errorMessage, TalosError } from '../../base/errors.js';
import { ClientError, MachineService, onlyMessage } from '../../client/index.js';
import type { Session, Target } from '../session.js';

export interface CheckResult {
  node: string;
  check: string;
  outcome: 'ok' | 'failed' | 'skipped';
  details: string;
}

export type Outcome = Omit<CheckResult, 'node' | 'check'>;

export const ok = (details: string): Outcome => ({ outcome: 'ok', details });
export const failed = (details: string): Outcome => ({ outcome: 'failed', details });
export const skipped = (details: string): Outcome => ({ outcome: 'skipped', details });

/** Nobody knows how it is, through no fault of the node; the message says why. */
export class NotChecked extends Error {}

/** A node that is looked at once: what several checks need is asked for once. */
export class Look {
  private asked: Promise<ServiceList> | undefined;

  constructor(
    readonly session: Session,
    readonly target: Target,
  ) {}

  /** @throws ClientError */
  services(): Promise<ServiceList> {
    this.asked ??= this.ask();
    return this.asked;
  }

  private async ask(): Promise<ServiceList> {
    const { name, node } = this.target;
    return onlyMessage(await this.session.client.unary(MachineService.ServiceList, {}, { node }), name);
  }
}

type ServiceListReply = ReturnType<(typeof MachineService.ServiceList)['responseDeserialize']>;
type ServiceList = ServiceListReply['messages'][number];

export interface Check {
  name: string;
  /** Name of an earlier check: when that has failed there is no sense in this one. */
  after?: string;
  judge(look: Look): Promise<Outcome>;
}

/** Why there is no sense in a check when another one has failed. */
const CUTS: Readonly<Record<string, string>> = {
  api: 'the API does not answer',
  'kubernetes api': 'the Kubernetes API does not answer',
};

/**
 * Looks, one check after the other.
 * @param tell  is told what is being looked at
 */
export async function lookAtAll(
  look: Look,
  checks: readonly Check[],
  tell: (text: string) => void,
): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  for (const { name, after, judge } of checks) {
    tell(`checking ${name}`);
    const cut = results.find(({ check, outcome }) => check === after && outcome === 'failed');
    const outcome = cut ? skipped(CUTS[cut.check] ?? `${cut.check} is not well`) : await outcomeOf(judge(look));
    results.push({ node: look.target.name, check: name, ...outcome });
  }
  return results;
}

/** A node that does not serve what a check asks for is not unwell for that. */
async function outcomeOf(judging: Promise<Outcome>): Promise<Outcome> {
  try {
    return await judging;
  } catch (error) {
    if (error instanceof NotChecked) return skipped(error.message);
    if (!(error instanceof TalosError)) throw error;
    if (error instanceof ClientError && error.code === 'UNIMPLEMENTED') return skipped('the node does not serve it');
    return failed(errorMessage(error));
  }
}
