/** How processes are shown. */

interface ProcessFigures {
  pid: number;
  cpuTime: number;
  residentMemory: number;
}

/** Largest first; equal ones by their numbers. */
export function sorted<Process extends ProcessFigures>(processes: readonly Process[], key: 'rss' | 'cpu'): Process[] {
  const size = (process: Process) => (key === 'rss' ? process.residentMemory : process.cpuTime);
  return [...processes].sort((one, other) => size(other) - size(one) || one.pid - other.pid);
}

/** The command line with the full path of the executable where its first word is just the name; [name] where there is no command line. */
export function commandText({
  args,
  executable,
  command,
}: {
  args: string;
  executable: string;
  command: string;
}): string {
  if (args === '') return executable || `[${command}]`;
  const [first = '', ...others] = args.split(' ');
  const isItsName = executable !== '' && executable.slice(executable.lastIndexOf('/') + 1) === first;
  return isItsName ? [executable, ...others].join(' ') : args;
}
