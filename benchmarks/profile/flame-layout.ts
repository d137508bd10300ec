/** Where each function of a tree lies in a flame graph: as wide as its time, above its caller. Pure. */
import type { TreeNode } from './frame-tree.js';

/** A function of the picture; the whole is 1 wide. */
export interface FlameBox {
  readonly node: TreeNode;
  readonly left: number;
  readonly width: number;
  /** 0 is the root. */
  readonly depth: number;
}

/**
 * Lays it out, callers before what they call, and within a caller the widest first; its own time is what nothing lies above.
 * @param least  of the whole: narrower ones, and all above them, are left out
 */
export function flameLayout(root: TreeNode, least: number): FlameBox[] {
  const boxes: FlameBox[] = [];
  if (root.totalUs <= 0) return boxes;
  const open: FlameBox[] = [{ node: root, left: 0, width: 1, depth: 0 }];
  for (let box = open.pop(); box; box = open.pop()) {
    boxes.push(box);
    let { left } = box;
    for (const node of [...box.node.children.values()].sort((one, other) => other.totalUs - one.totalUs)) {
      const width = node.totalUs / root.totalUs;
      if (width < least) break;
      open.push({ node, left, width, depth: box.depth + 1 });
      left += width;
    }
  }
  return boxes;
}
