import { Command } from 'commander';
import t from 'tap';
import { plainBooleans } from '../../../lib/osctl/boolean-flags.js';

const program = new Command('p').option('--timeout <duration>', 'x');
program.addCommand(new Command('one').option('--wait', 'x').option('--no-wait', 'x').option('--follow', 'x'));
program.addCommand(
  new Command('two').option('--tail [n]', 'x').option('--graceful [boolean]', 'x').option('--mode', 'x'),
);
program.addCommand(new Command('three').option('--mode <mode>', 'x'));
const plain = (line: string) => plainBooleans(program, line.split(' ')).join(' ');

t.test('switches with a value become switches', async (t) => {
  t.equal(plain('one --wait=false --follow=true'), 'one --no-wait --follow');
  t.equal(plain('one --wait=true --follow=false x'), 'one --wait x');
});

t.test('everything else stays', async (t) => {
  for (const line of [
    'one --wait=no',
    'two --graceful=false',
    'two --mode=false',
    'two --tail=true',
    '--timeout=true two',
    'one --nothing=true',
    'one -- --wait=false',
    'wait=false',
  ]) {
    t.equal(plain(line), line);
  }
});
