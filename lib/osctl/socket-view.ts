/** How sockets are asked for and shown. */

export interface SocketFlags {
  all?: boolean;
  listening?: boolean;
  tcp?: boolean;
  udp?: boolean;
  udplite?: boolean;
  raw?: boolean;
  verbose?: boolean;
  ipv4?: boolean;
  ipv6?: boolean;
  programs?: boolean;
  extend?: boolean;
  timers?: boolean;
}

/** A socket as the API has it. */
interface SocketRecord {
  l4proto: string;
  localip: string;
  localport: number;
  remoteip: string;
  remoteport: number;
  state: number;
  txqueue: number;
  rxqueue: number;
  tr: number;
  timerwhen: number;
  retrnsmt: number;
  uid: number;
  inode: number;
  timeout: number;
  process?: { pid: number; name: string } | null | undefined;
}

export type SocketView = Omit<SocketRecord, 'state' | 'tr'> & { state: string; tr: string };

/** Values of NetstatRequest.Filter. */
const FILTERS = { all: 0, connected: 1, listening: 2 } as const;
/** Values of ConnectRecord.State: what the kernel calls them. */
const STATES = [
  ...['RESERVED', 'ESTABLISHED', 'SYN_SENT', 'SYN_RECV', 'FIN_WAIT1', 'FIN_WAIT2', 'TIME_WAIT', 'CLOSE'],
  ...['CLOSEWAIT', 'LASTACK', 'LISTEN', 'CLOSING'],
];
/** Values of ConnectRecord.TimerActive. */
const TIMERS = ['off', 'on', 'keepalive', 'timewait', 'probe'];
/** The unit of a timer's end in /proc/net (USER_HZ). */
const TICKS_PER_SECOND = 100;

/** Without a protocol: TCP and UDP. Without a version: both. */
export function socketRequest(flags: SocketFlags) {
  const isNoneAsked = !flags.tcp && !flags.udp && !flags.udplite && !flags.raw;
  const isBoth = !flags.ipv4 === !flags.ipv6;
  const [hasV4, hasV6] = [isBoth || flags.ipv4 === true, isBoth || flags.ipv6 === true];
  const asked = (flag: boolean | undefined, isDefault: boolean) =>
    flag === true || flags.verbose === true || (isNoneAsked && isDefault);
  const tcp = asked(flags.tcp, true);
  const udp = asked(flags.udp, true);
  const udplite = asked(flags.udplite, false);
  const raw = asked(flags.raw, false);
  return {
    filter: FILTERS[flags.all ? 'all' : flags.listening ? 'listening' : 'connected'],
    feature: { pid: flags.programs === true },
    l4proto: {
      ...{ tcp: tcp && hasV4, tcp6: tcp && hasV6, udp: udp && hasV4, udp6: udp && hasV6 },
      ...{ udplite: udplite && hasV4, udplite6: udplite && hasV6, raw: raw && hasV4, raw6: raw && hasV6 },
    },
    netns: { hostnetwork: true },
  };
}

export function socketView(record: SocketRecord): SocketView {
  return {
    ...record,
    state: STATES[record.state] ?? String(record.state),
    tr: TIMERS[record.tr] ?? String(record.tr),
  };
}

export function socketColumns(flags: SocketFlags): { header: string[]; cells(view: SocketView): string[] } {
  return {
    header: [
      ...['Proto', 'Recv-Q', 'Send-Q', 'Local Address', 'Foreign Address', 'State'],
      ...(flags.extend ? ['Uid', 'Inode'] : []),
      ...(flags.programs ? ['PID/Program name'] : []),
      ...(flags.timers ? ['Timer'] : []),
    ],
    cells: (view) => [
      view.l4proto,
      String(view.rxqueue),
      String(view.txqueue),
      endpoint(view.localip, view.localport),
      endpoint(view.remoteip, view.remoteport),
      stateText(view),
      ...(flags.extend ? [String(view.uid), String(view.inode)] : []),
      ...(flags.programs ? [view.process ? `${view.process.pid}/${view.process.name}` : '-'] : []),
      ...(flags.timers ? [timerText(view)] : []),
    ],
  };
}

/** A datagram socket that talks to nobody in particular has no state of its own. */
function stateText({ l4proto, state }: SocketView): string {
  return !l4proto.startsWith('tcp') && state === 'CLOSE' ? '' : state;
}

function endpoint(address: string, port: number): string {
  const host = address.includes(':') ? `[${address}]` : address;
  return `${host}:${port === 0 ? '*' : port}`;
}

/** As netstat(8): what runs, seconds until it ends, retransmissions, probes. */
function timerText({ tr, timerwhen, retrnsmt, timeout }: SocketView): string {
  return `${tr} (${(timerwhen / TICKS_PER_SECOND).toFixed(2)}/${retrnsmt}/${timeout})`;
}
