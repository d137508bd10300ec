/** A host behind a pair of veth interfaces that can vanish without a word: `far-server.js ADDRESS PORT`, started in a network namespace of its own. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';

const [FAR_ADDRESS = '', FAR_PORT] = process.argv.slice(2);
const ip = (line: string) => execFileSync('ip', line.split(' '));
const say = (text: string) => process.send?.(text);

process.on('disconnect', () => process.exit(0));
say('started');
for (;;) {
  const [command] = await once(process, 'message');
  if (command === 'listen') {
    ip('link set lo up');
    ip('link set veth1 up');
    ip(`address add ${FAR_ADDRESS}/24 dev veth1`);
    const server = createServer((socket) => {
      socket.on('error', () => {}).on('data', (chunk) => socket.write(`far:${chunk}`));
    });
    server.listen(Number(FAR_PORT), FAR_ADDRESS);
    await once(server, 'listening');
  }
  // Nothing answers for the address any more, and nothing says so.
  if (command === 'vanish') ip(`address del ${FAR_ADDRESS}/24 dev veth1`);
  if (command === 'return') ip(`address add ${FAR_ADDRESS}/24 dev veth1`);
  say(command);
}
