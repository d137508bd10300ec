import t from 'tap';
import { outOfMemoryKills } from '../../../../lib/machined/containers/out-of-memory.js';

const EVENTS = 'low 0\nhigh 0\nmax 31\noom 2\noom_kill 3\noom_group_kill 1\n';

t.test('kills are those of the group of that container', async (t) => {
  const root = t.testdir({ system: { a: { 'memory.events': EVENTS }, b: { 'memory.events': '' } } });
  t.equal(await outOfMemoryKills('a', root), 3);
  t.equal(await outOfMemoryKills('b', root), 0, 'nothing is counted');
  t.equal(await outOfMemoryKills('c', root), 0, 'no group any more');
});

t.test('what cannot be read is not taken for none', async (t) => {
  const root = t.testdir({ system: { a: { 'memory.events': {} } } });
  await t.rejects(outOfMemoryKills('a', root), { code: 'EISDIR' });
});
