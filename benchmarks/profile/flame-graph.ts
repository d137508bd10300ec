/** A flame graph as an SVG picture, a colour a group of modules. Pure: a tree in, text out. */
import { escaped, picture, rounded } from '../lib/svg.js';
import { type FlameBox, flameLayout } from './flame-layout.js';
import type { Share, TreeNode } from './frame-tree.js';
import { frameText, groupOf } from './stack.js';

const WIDTH = 1280;
const MARGIN = 16;
const TITLE_HEIGHT = 44;
const LEGEND_ROW = 18;
const LEGEND_COLUMNS = 4;
const ROW_HEIGHT = 17;
const CHARACTER_WIDTH = 7;
/** Pixels: below, a box is not seen. */
const LEAST_WIDTH = 0.4;
/** Light enough for black letters. What comes behind them is grey. */
const COLOURS = ['#f4a261', '#8ecae6', '#b5e48c', '#ffd166', '#e5989b', '#cdb4db', '#80cbc4', '#d4a373'];
const OTHERS = '#dddddd';

/**
 * Draws it.
 * @param groups  by time of their own: the first have colours
 */
export function flameGraph({
  title,
  root,
  groups,
}: {
  title: string;
  root: TreeNode;
  groups: readonly Share[];
}): string {
  const scale = WIDTH - 2 * MARGIN;
  const boxes = flameLayout(root, LEAST_WIDTH / scale);
  const colours = new Map(COLOURS.map((colour, index) => [groups[index]?.name, colour]));
  const depth = boxes.reduce((most, box) => Math.max(most, box.depth), 0);
  const legendRows = Math.ceil(Math.min(groups.length, COLOURS.length) / LEGEND_COLUMNS);
  const bottom = TITLE_HEIGHT + legendRows * LEGEND_ROW + (depth + 1) * ROW_HEIGHT;
  const parts = [`<text x="${MARGIN}" y="26" font-size="16">${escaped(title)}</text>`];
  for (const [index, { name, selfUs }] of groups.slice(0, COLOURS.length).entries()) {
    const x = MARGIN + (index % LEGEND_COLUMNS) * (scale / LEGEND_COLUMNS);
    const y = TITLE_HEIGHT + Math.floor(index / LEGEND_COLUMNS) * LEGEND_ROW;
    const text = `${name}: ${percent(selfUs, root.totalUs)}`;
    parts.push(`<rect x="${rounded(x)}" y="${y - 10}" width="12" height="12" fill="${COLOURS[index]}"/>`);
    parts.push(`<text x="${rounded(x + 18)}" y="${y}">${escaped(text)}</text>`);
  }
  for (const box of boxes) {
    const colour = box.depth === 0 ? OTHERS : (colours.get(groupOf(box.node.frame.module)) ?? OTHERS);
    parts.push(drawnBox(box, { scale, bottom, colour, allUs: root.totalUs }));
  }
  return picture(WIDTH, bottom + MARGIN, parts);
}

function drawnBox(
  { node, left, width, depth }: FlameBox,
  { scale, bottom, colour, allUs }: { scale: number; bottom: number; colour: string; allUs: number },
): string {
  const [x, y] = [MARGIN + left * scale, bottom - (depth + 1) * ROW_HEIGHT];
  const { frame, selfUs, totalUs } = node;
  const what = depth === 0 ? frame.name : frameText(frame);
  const hint = `${what}: total ${percent(totalUs, allUs)} (${milliseconds(totalUs)}), self ${percent(selfUs, allUs)} (${milliseconds(selfUs)})`;
  const room = Math.floor((width * scale - 6) / CHARACTER_WIDTH);
  const label = frame.name.length <= room ? frame.name : `${frame.name.slice(0, room - 1)}…`;
  const text =
    room < 3 ? '' : `<text x="${rounded(x + 3)}" y="${y + ROW_HEIGHT - 5}" font-size="11">${escaped(label)}</text>`;
  const box = `x="${rounded(x)}" y="${y}" width="${rounded(width * scale)}" height="${ROW_HEIGHT - 1}" fill="${colour}"`;
  return `<g><title>${escaped(hint)}</title><rect ${box}/>${text}</g>`;
}

const milliseconds = (us: number) => `${(us / 1000).toFixed(1)} ms`;
const percent = (part: number, whole: number) => `${((part / whole) * 100).toFixed(1)} %`;
