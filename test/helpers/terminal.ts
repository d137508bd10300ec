/** Programs on a terminal of their own, by script(1) of util-linux, which every Debian has. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

const quoted = (word: string) => `'${word.replaceAll("'", "'\\''")}'`;

/** Runs a program whose output is a terminal; gives what came there, with plain line ends, and the exit code. */
export async function onTerminal(
  argv: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<{ code: number | null; output: string }> {
  // Its input stays open: an end would be typed as Ctrl-D, and shown.
  const child = spawn('script', ['--quiet', '--return', '--command', argv.map(quoted).join(' '), '/dev/null'], {
    env: { ...environment, SHELL: '/bin/sh' },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output: output.replaceAll('\r\n', '\n') };
}
