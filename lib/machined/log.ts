import type { KmsgModule } from '../native/contract.js';

/** Levels of syslog(3). */
const ERROR = 3;
const INFO = 6;

/** What machined says: on its standard output, which is its log, and what a person before the node should see in the kernel log too. */
export class MachinedLog {
  constructor(private readonly kmsg: Pick<KmsgModule, 'write'>) {}

  info(text: string): void {
    process.stdout.write(`${new Date().toISOString()} ${text}\n`);
  }

  /** Also in the kernel log. */
  notice(text: string): void {
    this.info(text);
    this.toKernel(INFO, text);
  }

  /** Also in the kernel log, at a level that even a quiet console shows: it is what the person before it has to do something about. */
  problem(text: string): void {
    this.info(text);
    this.toKernel(ERROR, text);
  }

  private toKernel(level: number, text: string): void {
    try {
      this.kmsg.write(level, `[machined] ${text}`);
    } catch {
      // The line is in our own log.
    }
  }
}
