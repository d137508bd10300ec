/** init, as far as osd sees it: answers by table, remembers what it was asked. */

import type { ControlReply } from '../../../../lib/control/client.js';
import { ControlError } from '../../../../lib/control/errors.js';
import type { MethodName, MethodTable, ReplyOf, RequestOf, Service } from '../../../../lib/control/protocol.js';
import type { FileDescriptor } from '../../../../lib/native/contract.js';
import type { InitClient } from '../../../../lib/osd/context.js';

export const SERVICES: Service[] = ['init', 'machined', 'osd'].map((id, at) => ({
  id,
  state: 'Running',
  pid: at + 1,
  image: `/sbin/${id}`,
  restarts: 0,
  lastLogLine: '',
  events: [{ message: 'started', state: 'Running', timeMs: 1_700_000_000_123 }],
  lastChangeMs: 1_700_000_000_123,
  healthUnknown: true,
  healthy: false,
  healthMessage: '',
}));

type Answer<M extends MethodName> = ReplyOf<M> | { body: ReplyOf<M>; descriptors: FileDescriptor[] };

type Answers = {
  [M in MethodName]?: (request: RequestOf<M>) => Answer<M> | Promise<Answer<M>>;
};

export class FakeDescriptor implements FileDescriptor {
  isOpen = true;
  close(): void {
    this.isOpen = false;
  }
  releaseNumber(): number {
    throw new Error('a fake has no number');
  }
}

export class FakeInit implements InitClient {
  readonly asked: { method: MethodName; body: unknown }[] = [];

  constructor(readonly answers: Answers = {}) {}

  bodies<M extends MethodName>(method: M): MethodTable[M]['request'][] {
    return this.asked.filter((item) => item.method === method).map((item) => item.body as MethodTable[M]['request']);
  }

  async request<M extends MethodName>(method: M, body: RequestOf<M>): Promise<ControlReply<M>> {
    this.asked.push({ method, body });
    const defaults: Answers = {
      listServices: () => ({ services: SERVICES }),
      controlService: ({ id, action }) => ({ message: `${action} ${id}` }),
      power: () => ({}),
      closeLog: () => ({}),
      openLog: ({ id, follow }) => {
        if (!SERVICES.some((service) => service.id === id)) throw new ControlError('NOT_FOUND', `no service ${id}`);
        const descriptors = [new FakeDescriptor(), ...(follow ? [new FakeDescriptor()] : [])];
        return { body: { subscription: follow ? 7 : 0 }, descriptors };
      },
      openKmsg: () => ({ body: {}, descriptors: [new FakeDescriptor()] }),
    };
    const answer = this.answers[method] ?? defaults[method];
    if (!answer) throw new ControlError('UNAVAILABLE', `the fake does not know ${method}`);
    const reply = await answer(body);
    return ('descriptors' in reply ? reply : { body: reply, descriptors: [] }) as ControlReply<M>;
  }
}
