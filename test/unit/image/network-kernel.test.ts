// What pod networks ask of a kernel. The build starts from nothing, so a match that nobody named is not there, and what asks for it is
// refused where only a cluster shows it: kube-proxy sets its rules as a whole, and one Service of protocol SCTP would leave a node without any.
import t from 'tap';
import { parseConfig } from '../../../lib/image/kernel-config.js';
import { repositoryRoot } from '../../../lib/image/paths.js';
import { readManifests } from '../../../lib/image/root-image.js';
import { seconds } from '../../helpers/deadline.js';
import { shippedKernels } from '../../helpers/shipped-kernels.js';

// The first run unpacks what configures a kernel.
t.setTimeout(seconds(170));

const kernels = (await shippedKernels()).map(({ arch, profile, config }) => ({
  name: `${arch}, ${profile}`,
  options: parseConfig(config),
}));

/** Of a list of options, those that a kernel lacks. */
const missing = (options: ReadonlyMap<string, string>, wanted: readonly string[]) =>
  wanted.filter((option) => options.get(`CONFIG_${option}`) !== 'y');

/** Options behind an extension of iptables, where the name does not say it. Those of no option are part of x_tables itself, or only another spelling. */
const behind: Record<string, readonly string[]> = {
  libxt_standard: [],
  libxt_tcp: [],
  libxt_udp: [],
  libipt_icmp: [],
  libip6t_icmp6: [],
  libxt_MARK: ['NETFILTER_XT_MARK'],
  libxt_mark: ['NETFILTER_XT_MARK'],
  libxt_CONNMARK: ['NETFILTER_XT_CONNMARK'],
  libxt_connmark: ['NETFILTER_XT_CONNMARK'],
  libxt_SET: ['NETFILTER_XT_SET'],
  libxt_set: ['NETFILTER_XT_SET'],
  libxt_NAT: ['NETFILTER_XT_NAT'],
  libxt_rpfilter: ['IP_NF_MATCH_RPFILTER', 'IP6_NF_MATCH_RPFILTER'],
  libipt_REJECT: ['IP_NF_TARGET_REJECT'],
  libip6t_REJECT: ['IP6_NF_TARGET_REJECT'],
};

t.test('the kernel has what each extension of iptables in the image asks for', async (t) => {
  const entries = await readManifests(repositoryRoot(), 'amd64', undefined, undefined, {
    version: 'v1.20.2',
    components: [],
  });
  const extensions = entries.flatMap(({ kind, path }) =>
    kind === 'file' ? (/xtables\/(lib(?:xt|ipt|ip6t)_\w+)\.so$/.exec(path)?.[1] ?? []) : [],
  );
  t.ok(extensions.length > 25, `${extensions.length} extensions`);
  const wanted = extensions.flatMap((extension) => {
    const name = extension.slice('libxt_'.length);
    const kind = name === name.toUpperCase() ? 'TARGET' : 'MATCH';
    return behind[extension] ?? [`NETFILTER_XT_${kind}_${name.toUpperCase()}`];
  });
  for (const { name, options } of kernels) t.same(missing(options, wanted), [], name);
});

t.test('networks, and what each asks for', async (t) => {
  const networks: Record<string, string> = {
    'kube-proxy: Services of protocol SCTP': 'NF_CT_PROTO_SCTP NETFILTER_XT_MATCH_SCTP IP_VS_PROTO_SCTP',
    'the bandwidth plugin': 'NET_SCH_TBF NET_SCH_INGRESS IFB NET_CLS_U32 NET_ACT_MIRRED',
    Flannel: 'VXLAN BRIDGE BRIDGE_NETFILTER WIREGUARD',
    Calico:
      'NET_IPIP VXLAN IP_SET NETFILTER_XT_SET IP_NF_MATCH_RPFILTER IP6_NF_MATCH_RPFILTER NETFILTER_XT_MATCH_IPVS NETFILTER_XT_TARGET_NFLOG',
    Cilium:
      'BPF_SYSCALL BPF_JIT CGROUP_BPF NET_CLS_BPF NET_CLS_ACT NET_SCH_INGRESS PERF_EVENTS VXLAN GENEVE NETFILTER_XT_MATCH_SOCKET NETFILTER_XT_TARGET_TPROXY',
    'Istio, Linkerd': 'NETFILTER_XT_MATCH_OWNER NETFILTER_XT_TARGET_REDIRECT NETFILTER_XT_TARGET_TPROXY',
  };
  for (const { name, options } of kernels) {
    for (const [network, wanted] of Object.entries(networks)) {
      t.same(missing(options, wanted.split(' ')), [], `${name}: ${network}`);
    }
  }
});

t.test('every kernel of arm64 knows the faults of processors', async (t) => {
  for (const { name, options } of kernels.filter(({ name }) => name.startsWith('arm64'))) {
    // UNKNOWN1 is that of a board which no profile has; 23144 is one between sockets, and only metal has those.
    const off = [...options].filter(
      ([option, value]) => value === 'n' && /ERRAT(UM|A)(?!_UNKNOWN|_23144)|_PREITS$/.test(option),
    );
    t.same(off, [], name);
    t.same(missing(options, ['ZONE_DMA', 'ZONE_DMA32', 'SWIOTLB', 'ARM64_USE_LSE_ATOMICS']), [], name);
  }
});
