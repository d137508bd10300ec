// The client against a server that others wrote: dnsmasq. What is told apart here from our own test server is how it answers, not what.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import t from 'tap';
import { loadNative } from '../../../lib/native/index.js';
import { within } from '../../helpers/deadline.js';
import { CLIENT_MAC, ip } from '../../helpers/dhcp/link.js';
import { interfaceState, ServedInterface } from '../../helpers/dhcp/served.js';
import { inNamespaces } from '../../native/in-namespaces.js';

const DEADLINE_MS = 20_000;

/** dnsmasq as a DHCP server only, in a namespace of its own, with its log kept. */
class Dnsmasq {
  readonly lines: string[] = [];
  private taken = 0;
  private wake = (): void => {};

  private constructor(private readonly process: ReturnType<typeof spawn>) {}

  static async start(folder: string): Promise<Dnsmasq> {
    // In its namespace by then, it waits until the interface has been moved there, which a line on its input tells.
    const script = `echo ready >&2; read line
      ip address add 10.5.0.1/24 dev veth1 && ip link set veth1 up && ip link set lo up &&
      exec dnsmasq --keep-in-foreground --log-facility=- --log-dhcp --conf-file=/dev/null --user=root --pid-file= --port=0 \\
        --interface=veth1 --bind-interfaces --dhcp-leasefile=${folder}/leases --dhcp-authoritative --no-ping \\
        --dhcp-range=10.5.0.100,10.5.0.110,255.255.255.0,2m --dhcp-option-force=option:T1,3s --dhcp-option-force=option:T2,100s \\
        --dhcp-option=option:router,10.5.0.1 --dhcp-option=option:dns-server,10.5.0.1 --dhcp-option=option:mtu,1450 \\
        --dhcp-option=option:classless-static-route,0.0.0.0/0,10.5.0.1,10.9.0.0/16,10.5.0.9 \\
        --dhcp-option=option:domain-search,eng.example.org,example.org --domain=example.org --dhcp-option=option:ntp-server,10.5.0.4`;
    const process = spawn('unshare', ['--net', 'sh', '-c', script], { stdio: ['pipe', 'ignore', 'pipe'] });
    const dnsmasq = new Dnsmasq(process);
    createInterface({ input: process.stderr as NodeJS.ReadableStream }).on('line', (line) => {
      dnsmasq.lines.push(line);
      dnsmasq.wake();
    });
    return dnsmasq;
  }

  get pid(): number {
    return this.process.pid ?? 0;
  }

  go(): void {
    this.process.stdin?.end('go\n');
  }

  async says(pattern: RegExp): Promise<string> {
    const look = async (): Promise<string> => {
      for (;;) {
        const line = this.lines[this.taken];
        if (line !== undefined) this.taken++;
        else await new Promise<void>((resolve) => (this.wake = resolve));
        if (line !== undefined && pattern.test(line)) return line;
      }
    };
    return within(DEADLINE_MS, `dnsmasq: ${pattern}`, look(), () => this.lines.join('\n'));
  }

  async stop(): Promise<void> {
    const ended = once(this.process, 'exit');
    this.process.kill();
    await ended;
  }
}

if (inNamespaces(import.meta.url, ['--net', '--mount'])) {
  const native = loadNative();
  ip('link set lo up');

  t.test('dnsmasq leases, renews, and takes back', async (t) => {
    const dnsmasq = await Dnsmasq.start(t.testdir());
    ip(`link add veth0 address ${CLIENT_MAC} type veth peer name veth1`);
    await dnsmasq.says(/^ready/);
    ip(`link set veth1 netns ${dnsmasq.pid}`);
    dnsmasq.go();
    await dnsmasq.says(/DHCP, sockets bound|DHCP, IP range/);

    const served = new ServedInterface(native, 'node-1');
    await dnsmasq.says(new RegExp(`DHCPDISCOVER\\(veth1\\) ${CLIENT_MAC}`));
    await served.says(/leased 10\.5\.0\.1\d\d\/24 from 10\.5\.0\.1 for 120 s/);
    const state = interfaceState();
    t.equal(state.mtu, 1450);
    t.same(state.routes, ['10.9.0.0/16 via 10.5.0.9 metric 1024', 'default via 10.5.0.1 metric 1024']);
    t.match(served.reports.slice(-1), [
      {
        dnsServers: ['10.5.0.1'],
        ntpServers: ['10.5.0.4'],
        domain: 'example.org',
        searchDomains: ['eng.example.org', 'example.org'],
      },
    ]);
    t.ok(await dnsmasq.says(/client provides name: node-1/));
    t.ok(await dnsmasq.says(/DHCPACK/));

    await served.says(/renewed 10\.5\.0\.1\d\d/);
    t.ok(await dnsmasq.says(/DHCPACK/), 'the renewal');

    const stopped = served.stop(true);
    await dnsmasq.says(/DHCPRELEASE\(veth1\) 10\.5\.0\.1\d\d/);
    await stopped;
    await dnsmasq.stop();
  });
}
