/** What a sampling profiler has seen, whichever it was: how long the processor was in which chain of calls. */

/** A function. */
export interface Frame {
  readonly name: string;
  /** Where it is defined, such as `lib/osd/server.js` or `node:http2`; in parentheses what is no file. */
  readonly module: string;
  /** In that file, from 1; 0 when it is not known. */
  readonly line: number;
}

/** One chain of calls. */
export interface Stack {
  /** The outermost first. */
  readonly frames: readonly Frame[];
  /** For how long the last of them ran itself. */
  readonly microseconds: number;
}

/** Two frames with the same key are the same function. */
export const keyOf = ({ name, module, line }: Frame) => `${name} ${module}:${line}`;

/** As people read it. */
export function frameText({ name, module, line }: Frame): string {
  if (name === module) return name;
  return `${name}  ${module}${line > 0 ? `:${line}` : ''}`;
}

/** What native code and V8 itself give to scripts: such functions have no file. */
export const ENGINE_MODULE = '(engine)';

/** The name under which modules are counted together: a folder of ours, a package, an area of Node. */
export function groupOf(module: string): string {
  const [, packaged] = /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(module) ?? [];
  if (packaged !== undefined) return packaged;
  const [, ours] = /^((?:lib|benchmarks|bin|out)\/(?:[^/]+(?=\/))?)/.exec(module) ?? [];
  if (ours !== undefined) return ours.replace(/\/$/, '');
  const [, node] = /^node:(?:internal\/)?([^/]+)/.exec(module) ?? [];
  return node === undefined ? module : `node:${node}`;
}
