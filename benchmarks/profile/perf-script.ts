/** Reads what `perf script` prints of samples of the event cpu-clock. Source: perf-script(1). Pure: text in, stacks out. */
import { TalosError } from '../../lib/base/errors.js';
import { ENGINE_MODULE, type Frame, type Stack } from './stack.js';

/** `node 13418  2492.549575:    2004008 cpu-clock:ppp:`, where the period of a clock is in nanoseconds. */
const HEAD = /^(\S.*?)\s+\d+(?:\/\d+)?\s+(?:\[\d+\]\s+)?[\d.]+:\s+(\d+)\s+\S+:\s*$/;
/** `	ffffffff8162faea kmem_cache_free+0x5a ([kernel.kallsyms])` */
const FRAME = /^\s+[0-9a-f]+ (.*) \((.*)\)$/;
/** What V8 compiled, as its map for perf has it: `JS:*name file:///path:line:column`, with marks of the compiler. */
const SCRIPT = /^(?:JS|LazyCompile|Function|Script|Eval):[*+^~]?'?(\S*) (\S+?):(\d+)(?::\d+)?$/;

/**
 * Reads all samples.
 * @param moduleOf  what a script is called (module-names.ts)
 * @throws TalosError ERR_PROFILE  a line is not what perf prints, or there is no sample
 */
export function readPerfScript(text: string, moduleOf: (url: string, line: number) => string): Stack[] {
  const stacks: Stack[] = [];
  let frames: Frame[] = [];
  const read = (line: string, number: number) => {
    if (line === '') return;
    const [, thread, period] = HEAD.exec(line) ?? [];
    if (thread !== undefined) {
      frames = [{ name: `thread ${thread}`, module: '(thread)', line: 0 }];
      stacks.push({ frames, microseconds: Number(period) / 1000 });
      return;
    }
    const [, symbol, place] = FRAME.exec(line) ?? [];
    if (symbol === undefined || place === undefined || stacks.length === 0) {
      throw new TalosError('ERR_PROFILE', `line ${number} is none of perf script's: ${line.slice(0, 80)}`);
    }
    // perf has the innermost first, ours come the other way round.
    frames.splice(1, 0, frameOf(symbol, place, moduleOf));
  };
  for (const [index, line] of text.split('\n').entries()) read(line, index + 1);
  if (stacks.length === 0) throw new TalosError('ERR_PROFILE', 'perf has no sample');
  return stacks;
}

function frameOf(symbol: string, place: string, moduleOf: (url: string, line: number) => string): Frame {
  const name = symbol.replace(/\+0x[0-9a-f]+$/, '');
  const [, scriptName, url, line] = SCRIPT.exec(name) ?? [];
  if (url !== undefined) {
    return { name: scriptName || '(anonymous)', module: moduleOf(url, Number(line)), line: Number(line) };
  }
  // Other code that V8 made: its built-in functions, and stubs.
  if (/^\/tmp\/perf-\d+\.map$/.test(place)) return { name, module: ENGINE_MODULE, line: 0 };
  return { name, module: `(${place.replace(/^.*\//, '').replace(/^\[(.*?)(?:\..*)?\]$/, '$1')})`, line: 0 };
}
