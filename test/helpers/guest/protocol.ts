/**
 * What travels between the host and the init of the test guest (init.cc documents both directions).
 */

/** One program to be run in the guest. */
export interface Job {
  /** Absolute path of the folder that is shared read-only, the same in the guest. */
  checkout: string;
  /** Absolute paths of the other folders that are shared in the same way. */
  shares: string[];
  /** Absolute working directory in the guest. */
  folder: string;
  environment: Record<string, string>;
  /** `argv[0]` is the absolute path of the program. */
  argv: string[];
}

/** How a job ended, and how many bytes it wrote, so that the receiver knows when it has them all. */
export interface JobEnd {
  /** Exit code; -1 if a signal ended it. */
  code: number;
  /** Number of the signal; 0 if it exited. */
  signal: number;
  stdoutBytes: number;
  stderrBytes: number;
}

/**
 * Frames a job for the control port: length, then NUL-terminated strings.
 * @throws TypeError when a string holds a NUL, which would shift everything behind it.
 */
export function encodeJob(job: Job): Buffer {
  const environment = Object.entries(job.environment).map(([name, value]) => `${name}=${value}`);
  const lists = [job.shares, environment].flatMap((list) => [String(list.length), ...list]);
  const words = [job.checkout, job.folder, ...lists, ...job.argv];
  if (words.some((word) => word.includes('\0'))) {
    throw new TypeError('a job cannot hold a NUL character');
  }
  const body = Buffer.from(words.map((word) => `${word}\0`).join(''));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(body.length);
  return Buffer.concat([length, body]);
}

/** Reads the line that ends a job; undefined if it is some other line. */
export function parseEnd(line: string): JobEnd | undefined {
  const match = /^exit (-?\d+) (\d+) (\d+) (\d+)$/.exec(line);
  if (!match) return undefined;
  const [code, signal, stdoutBytes, stderrBytes] = match.slice(1).map(Number) as [number, number, number, number];
  return { code, signal, stdoutBytes, stderrBytes };
}
