/**
 * What was measured, as an SVG picture: a panel a unit, a row a measurement, a dot at its median and a line from its 5th to its 95th percentile. Dots, not bars: what lies
 * orders of magnitude apart needs a logarithmic axis, on which lengths mean nothing. Pure: numbers in, text out.
 */
import { escaped, picture, rounded } from './svg.js';

export interface DotRow {
  readonly label: string;
  readonly median: number;
  /** Of the line. */
  readonly from: number;
  readonly to: number;
  /** Drawn hollow: it is there to be compared with. */
  readonly isRival: boolean;
}

export interface DotPanel {
  readonly unit: string;
  readonly rows: readonly DotRow[];
}

const WIDTH = 960;
const LEFT = 380;
const RIGHT = 110;
const TOP = 52;
const ROW_HEIGHT = 22;
/** Above the rows the unit, below them the numbers of the axis. */
const PANEL_HEAD = 26;
const PANEL_FOOT = 30;
const OURS = '#1b4965';
const RIVAL = '#8a8a8a';
/** With less between the smallest and the largest, an axis that begins at nothing is more honest. */
const LOGARITHMIC_FROM = 30;
const LINEAR_STEPS = [1, 2, 5, 10];
const MOST_TICKS = 8;

interface Axis {
  readonly place: (value: number) => number;
  readonly ticks: readonly number[];
}

/** Three digits, without an exponent below a million. */
export function short(value: number): string {
  if (value === 0) return '0';
  if (Math.abs(value) >= 1e6) return `${Number((value / 1e6).toPrecision(3))} M`;
  return Math.abs(value) >= 1000 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
}

function linear(most: number): Axis {
  const width = WIDTH - LEFT - RIGHT;
  const magnitude = 10 ** Math.floor(Math.log10(most / MOST_TICKS));
  const step = magnitude * (LINEAR_STEPS.find((each) => most / (each * magnitude) <= MOST_TICKS) ?? 1);
  const ticks = Array.from({ length: Math.floor(most / step) + 1 }, (_, index) => index * step);
  return { place: (value) => LEFT + (width * value) / most, ticks };
}

function logarithmic(least: number, most: number): Axis {
  const width = WIDTH - LEFT - RIGHT;
  const [first, last] = [Math.floor(Math.log10(least)), Math.ceil(Math.log10(most))];
  const place = (value: number) => LEFT + (width * (Math.log10(value) - first)) / (last - first);
  return { place, ticks: Array.from({ length: last - first + 1 }, (_, index) => 10 ** (first + index)) };
}

function axisOf(rows: readonly DotRow[]): Axis {
  const [least, most] = [Math.min(...rows.map(({ from }) => from)), Math.max(...rows.map(({ to }) => to))];
  return least > 0 && most / least >= LOGARITHMIC_FROM ? logarithmic(least, most) : linear(most > 0 ? most : 1);
}

function drawnRow({ label, median, from, to, isRival }: DotRow, y: number, axis: Axis, unit: string): string[] {
  const [colour, fill] = isRival ? [RIVAL, '#fff'] : [OURS, OURS];
  const [x, start, end] = [median, from, to].map((value) => rounded(axis.place(value)));
  const spread = `${label}: median ${short(median)} ${unit}, ${short(from)} to ${short(to)}`;
  return [
    `<text x="${LEFT - 12}" y="${y + 4}" text-anchor="end">${escaped(label)}</text>`,
    `<line x1="${start}" y1="${y}" x2="${end}" y2="${y}" stroke="${colour}" stroke-width="2"/>`,
    `<circle cx="${x}" cy="${y}" r="5" fill="${fill}" stroke="${colour}" stroke-width="2"><title>${escaped(spread)}</title></circle>`,
    `<text x="${WIDTH - RIGHT + 14}" y="${y + 4}">${short(median)} ${escaped(unit)}</text>`,
  ];
}

function drawnPanel({ unit, rows }: DotPanel, top: number): string[] {
  const axis = axisOf(rows);
  const [first, bottom] = [top + PANEL_HEAD, top + PANEL_HEAD + rows.length * ROW_HEIGHT];
  const parts = [`<text x="${LEFT}" y="${top + 14}" font-weight="bold">${escaped(unit)}</text>`];
  for (const tick of axis.ticks) {
    const x = rounded(axis.place(tick));
    parts.push(`<line x1="${x}" y1="${first}" x2="${x}" y2="${bottom}" stroke="#ddd"/>`);
    parts.push(`<text x="${x}" y="${bottom + 14}" text-anchor="middle" fill="#666">${short(tick)}</text>`);
  }
  return [...parts, ...rows.flatMap((row, index) => drawnRow(row, first + (index + 0.5) * ROW_HEIGHT, axis, unit))];
}

/** Draws it. @throws RangeError when a panel has no rows */
export function dotChart({ title, panels }: { title: string; panels: readonly DotPanel[] }): string {
  if (panels.some(({ rows }) => rows.length === 0)) throw new RangeError('a panel without rows');
  const parts = [
    `<text x="16" y="28" font-size="16">${escaped(title)}</text>`,
    `<circle cx="22" cy="44" r="5" fill="${OURS}"/><text x="34" y="48">ours</text>`,
    `<circle cx="84" cy="44" r="4" fill="#fff" stroke="${RIVAL}" stroke-width="2"/><text x="96" y="48">to compare with</text>`,
  ];
  let top = TOP;
  for (const panel of panels) {
    parts.push(...drawnPanel(panel, top));
    top += PANEL_HEAD + panel.rows.length * ROW_HEIGHT + PANEL_FOOT;
  }
  return picture(WIDTH, top, parts);
}
