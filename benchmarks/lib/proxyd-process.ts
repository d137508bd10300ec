/** proxyd's balancer as a process: `proxyd-process.js PORT BACKEND-PORT…`. Says when its backends are up. */
import { loadNative } from '../../lib/native/index.js';
import { Balancer } from '../../lib/proxyd/balancer.js';

const [port, ...backends] = process.argv.slice(2).map(Number);
const balancer = new Balancer({
  native: loadNative(),
  log: (line) => process.stderr.write(`${line}\n`),
  onHealth: (isAnyUp) => process.stdout.write(isAnyUp ? 'listening\n' : 'nobody is up\n'),
});
await balancer.listen('127.0.0.1', port ?? 0);
balancer.use(backends.map((backend) => ({ host: '127.0.0.1', port: backend })));
process.on('SIGTERM', () => process.exit(0));
