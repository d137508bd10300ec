import t from 'tap';
import { InitLog } from '../../../lib/init/log.js';
import { FakeRing } from './fake-native.js';
import { recordingLog } from './recording-log.js';

t.test('every line of a text carries the prefix, so that none can pass for the kernel’s own', (t) => {
  const written: [number, string][] = [];
  const log = new InitLog({ write: (level, text) => void written.push([level, text]) });
  log.info('one\ntwo');
  log.critical('three');
  t.same(written, [
    [6, '[talos] one\n[talos] two'],
    [2, '[talos] three'],
  ]);
  t.end();
});

t.test('the ring has the lines too, with level and time', (t) => {
  const { log } = recordingLog();
  const ring = new FakeRing();
  log.keepIn(ring);
  log.warning('watch out');
  t.match(ring.last, /^\d{4}-\d\d-\d\dT[\d:.]+Z warning watch out$/);
  t.end();
});

t.test('a log that cannot be written is no reason to fail', (t) => {
  const fail = () => {
    throw new Error('no');
  };
  const log = new InitLog({ write: fail });
  const ring = new FakeRing();
  ring.write = fail;
  log.keepIn(ring);
  t.equal(log.critical('x'), false, 'and whoever must be heard finds another way');
  t.end();
});

t.test('a failure has its stack and its cause, within bounds', (t) => {
  const { log, lines } = recordingLog();
  const deep = (depth: number): Error =>
    depth === 0 ? new Error('deep', { cause: new Error('why') }) : deep(depth - 1);
  Error.stackTraceLimit = 50;
  log.failure('critical', 'uncaught exception', deep(40));
  t.equal(lines[0]?.text, 'uncaught exception: deep');
  t.ok(lines.length <= 14, `${lines.length} lines`);
  lines.length = 0;
  log.failure('error', 'odd', 'a string');
  t.same(lines, [{ level: 3, text: 'odd: a string' }]);
  lines.length = 0;
  Error.stackTraceLimit = 3;
  log.failure('error', 'it', new Error('short', { cause: new Error('why') }));
  t.equal(lines.at(-1)?.text, 'caused by why');
  t.end();
});
