/** Keeps the clock right by asking time servers (SNTP): a step at first, then slewing. */
import { isIP } from 'node:net';
import { errorMessage } from '../../base/errors.js';
import type { ClockModule } from '../../native/contract.js';
import type { SntpAnswer } from '../../os/sntp.js';
import { type ClockAction, type ClockState, INITIAL_CLOCK, planClock } from './clock-plan.js';

export interface TimeServers {
  /** Names and addresses, the first one first. None: the clock is left alone. */
  servers: readonly string[];
  /** Addresses of name servers, for those that have names. */
  nameServers: readonly string[];
}

export interface TimekeeperOptions {
  clock: Pick<ClockModule, 'stepRealTime' | 'slewRealTime'>;
  /** Of a literal address. */
  ask(address: string): Promise<SntpAnswer>;
  /** Addresses of a name. */
  resolve(name: string, nameServers: readonly string[]): Promise<string[]>;
  /** The clock was set. */
  stepped(byMs: number, server: string): void;
  log(text: string): void;
  /** Between 0 and 1. */
  random?(): number;
}

/** Of one name; more addresses than that answer no better. */
const MAX_ADDRESSES = 4;
/** By this share a pause is shorter or longer. */
const JITTER = 0.1;

export class Timekeeper {
  private wanted: TimeServers = { servers: [], nameServers: [] };
  private state: ClockState = INITIAL_CLOCK;
  private current = 0;
  private timer: NodeJS.Timeout | undefined;
  private isAsking = false;
  private isStopped = false;
  private said = '';

  constructor(private readonly options: TimekeeperOptions) {}

  /** Whether the clock follows a server. */
  get isSynchronised(): boolean {
    return this.state.kind === 'sure';
  }

  /** Others, or the same: then nothing happens. The first one is asked at once. */
  use(wanted: TimeServers): void {
    if (JSON.stringify(wanted) === JSON.stringify(this.wanted)) return;
    const isOther = JSON.stringify(wanted.servers) !== JSON.stringify(this.wanted.servers);
    this.wanted = wanted;
    if (isOther) {
      this.current = 0;
      this.say(wanted.servers.length === 0 ? 'the clock is left alone' : `time servers: ${wanted.servers.join(', ')}`);
    }
    // What is being asked already decides when it is asked next.
    if (!this.isAsking && (isOther || this.state.failures > 0)) this.askWithin(0);
  }

  stop(): void {
    this.isStopped = true;
    clearTimeout(this.timer);
  }

  private askWithin(delayMs: number): void {
    clearTimeout(this.timer);
    if (this.isStopped || this.wanted.servers.length === 0) return;
    this.timer = setTimeout(() => void this.ask(), delayMs);
  }

  private async ask(): Promise<void> {
    this.isAsking = true;
    const { servers } = this.wanted;
    const server = servers[this.current % servers.length] ?? '';
    let answer: SntpAnswer | undefined;
    try {
      answer = await this.answerOf(server);
    } catch (error) {
      this.say(errorMessage(error));
      this.current++;
    } finally {
      this.isAsking = false;
    }
    if (this.isStopped) return;
    // The servers may be others by now; then the answer of one of the old ones is nobody's business.
    const isOutdated = !this.wanted.servers.includes(server);
    const { state, action, nextMs } = planClock(this.state, isOutdated ? undefined : answer);
    const isDone = this.perform(action, server);
    this.state = isDone ? state : { ...this.state, failures: this.state.failures + 1 };
    const random = this.options.random ?? Math.random;
    this.askWithin(isOutdated ? 0 : nextMs * (1 + JITTER * (2 * random() - 1)));
  }

  /** The first of its addresses that answers. @throws what the last one said */
  private async answerOf(server: string): Promise<SntpAnswer> {
    const addresses = isIP(server) === 0 ? await this.addressesOf(server) : [server];
    let problem: unknown = new Error(`time server ${server} has no address`);
    for (const address of addresses.slice(0, MAX_ADDRESSES)) {
      try {
        return await this.options.ask(address);
      } catch (error) {
        problem = error;
      }
    }
    throw problem;
  }

  private async addressesOf(server: string): Promise<string[]> {
    const { nameServers } = this.wanted;
    if (nameServers.length === 0) throw new Error(`there is no name server to ask for the time server ${server}`);
    try {
      return await this.options.resolve(server, nameServers);
    } catch (cause) {
      throw new Error(`time server ${server} cannot be found: ${errorMessage(cause)}`, { cause });
    }
  }

  private perform(action: ClockAction, server: string): boolean {
    const { clock, stepped } = this.options;
    try {
      if (action.kind === 'step') {
        clock.stepRealTime(action.byMs);
        this.say(`the clock was set by ${(action.byMs / 1000).toFixed(3)} s, as ${server} says`);
        stepped(action.byMs, server);
      } else if (action.kind === 'slew') {
        clock.slewRealTime(action.slew);
        this.say(`the clock follows ${server}`);
      }
      return true;
    } catch (error) {
      this.say(`the clock cannot be set: ${errorMessage(error)}`);
      return false;
    }
  }

  /** Every question says something; what it said before is not worth a line. */
  private say(text: string): void {
    if (text !== this.said) this.options.log(text);
    this.said = text;
  }
}
