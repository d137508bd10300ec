/** Reads what V8's CPU profiler writes (.cpuprofile). Source: Chrome DevTools Protocol, type Profiler.Profile. Pure: text in, stacks out. */
import { TalosError } from '../../lib/base/errors.js';
import { ENGINE_MODULE, type Frame, type Stack } from './stack.js';

/** A function, and what has called it. */
interface Call {
  readonly frame: Frame;
  readonly caller: Call | undefined;
}

/** A profile whose references have been checked. */
export interface CpuProfile {
  /** By node. */
  readonly calls: ReadonlyMap<number, Call>;
  /** In the order of time; each lasts until the next. Microseconds of CLOCK_MONOTONIC. */
  readonly samples: readonly { readonly node: number; readonly atUs: number }[];
  readonly endUs: number;
}

/** What part of a profile counts, in microseconds of CLOCK_MONOTONIC (`process.hrtime` of any process of the same machine). */
export interface Span {
  readonly fromUs: number;
  readonly untilUs: number;
}

/** Where a script is from: what a module is called, by the address and the line (from 1) of a function. */
export type ModuleNamer = (url: string, line: number) => string;

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  readonly children?: readonly number[];
}

interface ProfileFile {
  readonly nodes: readonly ProfileNode[];
  readonly startTime: number;
  readonly endTime: number;
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** Frames of V8 that are no work: waiting, and the root of all chains. */
const IDLE = '(idle)';
const ROOT = '(root)';

/**
 * Reads one.
 * @param file    its name, for messages
 * @throws TalosError ERR_PROFILE  it is cut off, no profile, or refers to what is not in it
 */
export function readCpuProfile(text: string, file: string, moduleOf: ModuleNamer): CpuProfile {
  const profile = parse(text, file);
  const calls = callsOf(profile.nodes, file, moduleOf);
  const samples: { node: number; atUs: number }[] = [];
  let atUs = profile.startTime;
  for (const [index, node] of profile.samples.entries()) {
    atUs += profile.timeDeltas[index] as number;
    if (!calls.has(node)) throw broken(file, `sample ${index} is of node ${node}, which it does not have`);
    samples.push({ node, atUs });
  }
  // Two samples may have been written in the wrong order: their distance is negative then.
  samples.sort((left, right) => left.atUs - right.atUs);
  return { calls, samples, endUs: Math.max(profile.endTime, samples.at(-1)?.atUs ?? 0) };
}

/** The chains that were at work in that span, and how long nothing was. */
export function stacksOf(profile: CpuProfile, span: Span): { stacks: Stack[]; idleUs: number } {
  const byNode = new Map<number, number>();
  for (const [index, { node, atUs }] of profile.samples.entries()) {
    const untilUs = profile.samples[index + 1]?.atUs ?? profile.endUs;
    const overlapUs = Math.min(untilUs, span.untilUs) - Math.max(atUs, span.fromUs);
    if (overlapUs > 0) byNode.set(node, (byNode.get(node) ?? 0) + overlapUs);
  }
  let idleUs = 0;
  const stacks: Stack[] = [];
  for (const [node, microseconds] of byNode) {
    const call = profile.calls.get(node) as Call;
    if (call.frame.name === IDLE) idleUs += microseconds;
    else stacks.push({ frames: framesOf(call), microseconds });
  }
  return { stacks, idleUs };
}

/** All of it. */
export const WHOLE: Span = { fromUs: 0, untilUs: Number.POSITIVE_INFINITY };

function broken(file: string, why: string, cause?: unknown): TalosError {
  return new TalosError('ERR_PROFILE', `${file} is no CPU profile of V8: ${why}`, { cause });
}

function parse(text: string, file: string): ProfileFile {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const why = text.trim() === '' ? 'it is empty' : 'it ends early, or is not JSON';
    throw broken(file, why, error);
  }
  const { nodes, samples, timeDeltas, startTime, endTime } = (value ?? {}) as Partial<ProfileFile>;
  if (!Array.isArray(nodes) || !nodes.every(isNode)) throw broken(file, 'it has no list of nodes');
  if (!isNumbers(samples) || !isNumbers(timeDeltas)) throw broken(file, 'it has no samples, or no times of them');
  if (samples.length !== timeDeltas.length) {
    throw broken(file, `it has ${samples.length} samples and the times of ${timeDeltas.length}`);
  }
  if (!Number.isFinite(startTime) || !Number.isFinite(endTime)) throw broken(file, 'it does not say when it began');
  return { nodes, samples, timeDeltas, startTime: startTime as number, endTime: endTime as number };
}

function isNumbers(value: unknown): value is number[] {
  return Array.isArray(value) && value.every(Number.isFinite);
}

function isNode(value: unknown): value is ProfileNode {
  const { id, callFrame, children } = (value ?? {}) as Partial<ProfileNode>;
  const { functionName, url, lineNumber } = (callFrame ?? {}) as Partial<ProfileNode['callFrame']>;
  const isFrame = typeof functionName === 'string' && typeof url === 'string' && Number.isFinite(lineNumber);
  return Number.isFinite(id) && isFrame && (children === undefined || isNumbers(children));
}

function callsOf(nodes: readonly ProfileNode[], file: string, moduleOf: ModuleNamer): Map<number, Call> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const calls = new Map<number, Call>();
  const inner = new Set(nodes.flatMap(({ children = [] }) => children));
  // No recursion: chains of calls may be thousands deep.
  const open: { id: number; caller: Call | undefined }[] = [];
  for (const { id } of nodes) if (!inner.has(id)) open.push({ id, caller: undefined });
  for (let next = open.pop(); next; next = open.pop()) {
    const node = byId.get(next.id);
    if (node === undefined) throw broken(file, `node ${next.id} is referred to, and not there`);
    if (calls.has(node.id)) throw broken(file, `node ${node.id} is called from two places`);
    const call = { frame: frameOf(node.callFrame, moduleOf), caller: next.caller };
    calls.set(node.id, call);
    for (const id of node.children ?? []) open.push({ id, caller: call });
  }
  if (calls.size !== nodes.length) throw broken(file, 'its nodes call each other in a circle');
  return calls;
}

/** The outermost first; the root of all chains is none of them. */
function framesOf(innermost: Call): Frame[] {
  const frames: Frame[] = [];
  for (let call: Call | undefined = innermost; call; call = call.caller) {
    if (call.frame.name !== ROOT) frames.push(call.frame);
  }
  return frames.reverse();
}

function frameOf({ functionName, url, lineNumber }: ProfileNode['callFrame'], moduleOf: ModuleNamer): Frame {
  const name = functionName === '' ? '(anonymous)' : functionName;
  // V8 counts lines from 0, and what has no script is at -1.
  const line = lineNumber + 1;
  if (url !== '') return { name, module: moduleOf(url, line), line };
  // `(program)`, which is native code that no script has called, and `(garbage collector)` stand for themselves.
  return { name, module: functionName.startsWith('(') ? name : ENGINE_MODULE, line: 0 };
}
