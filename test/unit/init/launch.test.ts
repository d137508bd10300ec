import t from 'tap';
import { settle } from './fake-clock.js';
import { supervisor } from './supervision.js';

t.test('a process that cannot be looked after does not run on', async (t) => {
  const { native, clock, rings, manager, definitions, lines } = supervisor({ osd: { control: true, start: 'manual' } });
  manager.start(definitions);
  const ring = rings.get('osd');
  if (!ring) throw new Error('osd has no ring');
  const { attach } = ring;
  ring.attach = () => {
    throw Object.assign(new Error('ENOSPC: no space left on device, epoll_ctl'), { code: 'ENOSPC' });
  };
  manager.request('osd', 'START');
  t.same(native.childOf('/bin/osd')?.signals, ['SIGKILL']);
  t.same(native.leaked, []);
  t.match(manager.list()[1], { state: 'Waiting', pid: 0 });
  t.ok(lines.some(({ text }) => /osd: Could not be started: ENOSPC/.test(text)));
  ring.attach = attach;
  native.childOf('/bin/osd')?.die('SIGKILL');
  await settle();
  await clock.advance(250);
  t.match(manager.list()[1], { state: 'Running', pid: 101 }, 'the next one is another');
});
