/** Restarting, and what concerns the machine as a whole. */

export interface PowerModule {
  /** sync(2) on the thread pool. */
  sync(): Promise<void>;
  /** reboot(2); returns only with an error. 'restart' | 'power-off' | 'halt'. Does not sync. */
  reboot(command: 'restart' | 'power-off' | 'halt'): void;
  /** LINUX_REBOOT_CMD_CAD_OFF/ON: off makes Ctrl-Alt-Del a SIGINT to PID 1. */
  setCtrlAltDel(enabled: boolean): void;
  /** sethostname(2). */
  setHostname(name: string): void;
  /** kill(-1, signal): every process but this one. ESRCH (nobody left) is not an error. */
  killAll(signal: string): void;
}
