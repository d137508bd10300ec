/** What is told of a tool: its own lines, however they come. */
import t from 'tap';
import { runCommand } from '../../../lib/image/run-command.js';

/** A program that writes these pieces, each by itself, and fails. */
function inPieces(...pieces: string[]): [string, ...string[]] {
  const script = `const pieces = ${JSON.stringify(pieces)};
const next = () => {
  const piece = pieces.shift();
  if (piece === undefined) process.exitCode = 1;
  else process.stderr.write(piece, () => setTimeout(next, 50));
};
next();`;
  return [process.execPath, '-e', script];
}

t.test('lines that come in pieces are lines', async (t) => {
  const lines: string[] = [];
  const argv = inPieces('Reading\nE', ': ', 'The repository is ', 'not signed.\n', '\n', 'the', ' end');
  const wanted = ['Reading', 'E: The repository is not signed.', 'the end'];
  await t.rejects(runCommand(argv, { onLine: (line) => lines.push(line) }), {
    code: 'ERR_TOOL',
    message: new RegExp(`\\n  ${wanted.join('\\n  ')}$`),
  });
  t.same(lines, wanted);
});
