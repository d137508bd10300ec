/** Stopping a service of PID 1: asked once, answered when it has ended. What PID 1 does is in test/unit/init/control-handlers.test.ts. */
import t from 'tap';
import { ControlError } from '../../../lib/control/errors.js';
import { stopService } from '../../../lib/machined/stop-service.js';

t.test('it is asked once, with patience', async (t) => {
  const asked: unknown[] = [];
  const answer = async (...words: unknown[]) => {
    asked.push(words);
    return { body: { message: '' }, descriptors: [] };
  };
  await stopService({ request: answer } as never, 'kubelet');
  t.strictSame(asked, [
    ['controlService', { id: 'kubelet', action: 'STOP', untilEnded: true }, { deadlineMs: 30_000 }],
  ]);
});

t.test('one that does not end is a sentence; what init says is passed on', async (t) => {
  const failing = (kind: 'DEADLINE_EXCEEDED' | 'NOT_FOUND') => ({
    request: () => Promise.reject(new ControlError(kind, `init: ${kind}`)),
  });
  await t.rejects(stopService(failing('DEADLINE_EXCEEDED') as never, 'kubelet'), {
    code: 'ERR_SERVICE',
    message: 'service "kubelet" does not stop',
  });
  await t.rejects(stopService(failing('NOT_FOUND') as never, 'kubelet'), { kind: 'NOT_FOUND', message: /^init: / });
});
