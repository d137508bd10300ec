import type { AllowList } from '../control/server.js';

/** Asks for addresses. A node whose address is written down does without this process, and the time that it takes to start. */
export const NETWORKD_ID = 'networkd';
export const MACHINED_ID = 'machined';
export const OSD_ID = 'osd';

/** Who may ask PID 1 for what. A service that is named nowhere may ask for nothing. */
export const ALLOW_LIST: AllowList = {
  listServices: ['osd'],
  controlService: ['osd'],
  openLog: ['osd'],
  closeLog: ['osd'],
  openKmsg: ['osd'],
  power: ['osd', 'machined'],
  connect: ['osd'],
  reportListening: ['osd'],
  setHostname: ['machined'],
  startDhcp: ['machined'],
  describeDhcp: ['networkd'],
  reportNetwork: ['networkd'],
  readEvents: ['osd'],
  reportHealth: ['machined', 'networkd', 'osd'],
  reportConfig: ['machined'],
  describeTime: ['osd'],
};

/** Whom each peer may be connected to. */
export const CONNECTABLE: Readonly<Record<string, readonly string[]>> = {
  osd: ['machined'],
};
