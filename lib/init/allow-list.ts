import type { AllowList } from '../control/server.js';

/** The network and the clock. A node whose address is on the kernel command line has it without this process, and starts it when it has time. */
export const NETWORKD_ID = 'networkd';
export const MACHINED_ID = 'machined';
export const OSD_ID = 'osd';
export const CONTAINERD_ID = 'containerd';
export const KUBELET_ID = 'kubelet';

/** Who may ask PID 1 for what. A service that is named nowhere may ask for nothing. */
export const ALLOW_LIST: AllowList = {
  listServices: ['machined', 'osd'],
  controlService: ['machined', 'osd'],
  setServiceArguments: ['machined'],
  openLog: ['osd'],
  closeLog: ['osd'],
  openKmsg: ['osd'],
  power: ['osd', 'machined'],
  connect: ['machined', 'networkd', 'osd', 'proxyd', 'trustd'],
  reportListening: ['osd', 'proxyd', 'trustd'],
  reportMaintenance: ['osd'],
  setHostname: ['machined'],
  setNetwork: ['machined'],
  describeNetwork: ['networkd'],
  reportClock: ['networkd'],
  setPodRoutes: ['machined'],
  describePodRoutes: ['networkd'],
  reportNetwork: ['networkd'],
  readEvents: ['osd'],
  reportHealth: ['blockd', 'machined', 'networkd', 'osd', 'proxyd', 'trustd'],
  reportConfig: ['machined'],
  describeTime: ['machined', 'osd'],
  reportVolumes: ['machined'],
  reportContainer: ['machined'],
  openContainerLog: ['machined'],
  openContainerControl: ['machined'],
};

/** Whom peers other than osd may start and stop, whose arguments they may set, and whose health they may report besides their own. */
export const LOOKED_AFTER: Readonly<Record<string, readonly string[]>> = {
  [MACHINED_ID]: [CONTAINERD_ID, KUBELET_ID],
};

/** Whom each peer may be connected to. */
export const CONNECTABLE: Readonly<Record<string, readonly string[]>> = {
  machined: ['blockd'],
  networkd: ['machined'],
  osd: ['machined'],
  proxyd: ['machined'],
  trustd: ['machined'],
};
