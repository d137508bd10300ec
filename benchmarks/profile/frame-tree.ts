/** Stacks folded into a tree: what was called from where, and how long it took with and without what it called. Pure. */
import { type Frame, frameText, groupOf, keyOf, type Stack } from './stack.js';

/** A function, called from the same chain. */
export interface TreeNode {
  readonly frame: Frame;
  /** Without what it called. */
  selfUs: number;
  /** With it. */
  totalUs: number;
  /** By {@link keyOf}. */
  readonly children: Map<string, TreeNode>;
}

/** A function or a group of modules, wherever it was called from. */
export interface Share {
  readonly name: string;
  readonly selfUs: number;
  /** Of a function that calls itself the outermost counts. */
  readonly totalUs: number;
}

/** Makes the tree. @param name  of its root, which stands for all of it */
export function fold(stacks: readonly Stack[], name: string): TreeNode {
  const root = newNode({ name, module: '', line: 0 });
  for (const { frames, microseconds } of stacks) {
    let node = root;
    node.totalUs += microseconds;
    for (const frame of frames) {
      const key = keyOf(frame);
      let child = node.children.get(key);
      if (child === undefined) {
        child = newNode(frame);
        node.children.set(key, child);
      }
      node = child;
      node.totalUs += microseconds;
    }
    node.selfUs += microseconds;
  }
  return root;
}

function newNode(frame: Frame): TreeNode {
  return { frame, selfUs: 0, totalUs: 0, children: new Map() };
}

/** Functions, those with the most time of their own first. */
export const functionsOf = (stacks: readonly Stack[]) => shares(stacks, frameText);

/** Groups of modules, likewise. */
export const groupsOf = (stacks: readonly Stack[]) => shares(stacks, ({ module }) => groupOf(module));

function shares(stacks: readonly Stack[], nameOf: (frame: Frame) => string): Share[] {
  const found = new Map<string, { selfUs: number; totalUs: number }>();
  const at = (name: string) => {
    const share = found.get(name) ?? { selfUs: 0, totalUs: 0 };
    found.set(name, share);
    return share;
  };
  for (const { frames, microseconds } of stacks) {
    const names = frames.map(nameOf);
    for (const name of new Set(names)) at(name).totalUs += microseconds;
    const last = names.at(-1);
    if (last !== undefined) at(last).selfUs += microseconds;
  }
  return [...found]
    .map(([name, share]) => ({ name, ...share }))
    .sort((left, right) => right.selfUs - left.selfUs || (left.name < right.name ? -1 : 1));
}
