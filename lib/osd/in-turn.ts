import type { ControlReply } from '../control/client.js';
import { ControlError } from '../control/errors.js';
import type { MethodName, RequestOf } from '../control/protocol.js';
import type { InitClient } from './context.js';

/** Requests under way at once. Init, as machined, takes 64 of a connection and refuses more; some are left for what is not asked through here. */
const MAX_RUNNING = 48;
/** As many as there are calls under way. */
const MAX_WAITING = 512;

/**
 * A control connection on which requests wait for their turn instead of failing when there are many: a client that follows a hundred logs opens
 * all of them at once, and when it goes a hundred are closed, none of which may be left out.
 */
export class InTurn implements InitClient {
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  /** @param maxWaiting  more are refused: those whose client has gone meanwhile wait as well */
  constructor(
    private readonly client: InitClient,
    private readonly maxWaiting = Number.POSITIVE_INFINITY,
  ) {}

  /** As that of the connection; its deadline begins with its turn. */
  async request<M extends MethodName>(
    method: M,
    body: RequestOf<M>,
    options?: { deadlineMs?: number },
  ): Promise<ControlReply<M>> {
    if (this.waiting.length >= this.maxWaiting) {
      throw new ControlError('RESOURCE_EXHAUSTED', `${this.maxWaiting} requests wait already`);
    }
    if (this.running < MAX_RUNNING) this.running += 1;
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
    try {
      return await this.client.request(method, body, options);
    } finally {
      const next = this.waiting.shift();
      // The turn is handed over: nobody who comes now can take it first.
      if (next !== undefined) next();
      else this.running -= 1;
    }
  }
}

/** The same for a connection that may be another one with each request. */
export function inTurn(connect: () => Promise<InitClient>): () => Promise<InitClient> {
  let last: { client: InitClient; turns: InTurn } | undefined;
  return async () => {
    const client = await connect();
    if (last?.client !== client) last = { client, turns: new InTurn(client, MAX_WAITING) };
    return last.turns;
  };
}
