/** A bar a system, cut into its phases, as an SVG picture. Pure: numbers in, text out. */
import { escaped, picture, rounded } from './svg.js';

/** A piece of a bar. */
export interface ChartPhase {
  readonly name: string;
  /** Where it ends, in seconds from the start of the bar. */
  readonly untilSeconds: number;
  /** Named where one points at it only: there is no room for the names of many short ones. */
  readonly isDetail?: boolean | undefined;
}

export interface ChartBar {
  readonly label: string;
  /** In the order of their ends. */
  readonly phases: readonly ChartPhase[];
}

export interface PhaseChart {
  readonly title: string;
  readonly bars: readonly ChartBar[];
  /** A line across all bars, such as a budget. */
  readonly mark?: { readonly label: string; readonly seconds: number } | undefined;
}

const WIDTH = 960;
const LEFT = 130;
const RIGHT = 30;
const TOP = 60;
const BAR_HEIGHT = 40;
const ROW_HEIGHT = 84;
const AXIS_HEIGHT = 36;
const AXIS_STEPS = [0.5, 1, 2, 5, 10, 20, 50];
const MOST_TICKS = 12;
/** Neighbours are told apart in grey as well. */
const COLOURS = ['#1b4965', '#62b6cb', '#2a7f62', '#9bc53d', '#c3423f', '#f2a65a', '#5b507a'];

/** Draws it. */
export function phaseChart({ title, bars, mark }: PhaseChart): string {
  const ends = bars.flatMap(({ phases }) => phases.map(({ untilSeconds }) => untilSeconds));
  const most = Math.max(...ends, mark?.seconds ?? 0);
  const scale = (WIDTH - LEFT - RIGHT) / most;
  const height = TOP + bars.length * ROW_HEIGHT + AXIS_HEIGHT;
  const bottom = height - AXIS_HEIGHT;
  const step = AXIS_STEPS.find((each) => most / each <= MOST_TICKS) ?? most;
  const parts = [`<text x="${LEFT}" y="28" font-size="16">${escaped(title)}</text>`];
  for (let at = 0; at <= most; at += step) {
    const x = rounded(LEFT + at * scale);
    parts.push(`<line x1="${x}" y1="${TOP - 14}" x2="${x}" y2="${bottom}" stroke="#ddd"/>`);
    parts.push(`<text x="${x}" y="${bottom + 18}" text-anchor="middle">${at} s</text>`);
  }
  bars.forEach((bar, row) => {
    parts.push(...drawnBar(bar, TOP + row * ROW_HEIGHT, scale));
  });
  if (mark !== undefined) {
    const x = rounded(LEFT + mark.seconds * scale);
    parts.push(`<line x1="${x}" y1="${TOP - 14}" x2="${x}" y2="${bottom}" stroke="#c00" stroke-dasharray="5 3"/>`);
    parts.push(`<text x="${x}" y="${TOP - 18}" text-anchor="middle" fill="#c00">${escaped(mark.label)}</text>`);
  }
  return picture(WIDTH, height, parts);
}

function drawnBar({ label, phases }: ChartBar, top: number, scale: number): string[] {
  const parts = [`<text x="${LEFT - 10}" y="${top + BAR_HEIGHT / 2 + 4}" text-anchor="end">${escaped(label)}</text>`];
  let from = 0;
  let labels = 0;
  phases.forEach(({ name, untilSeconds, isDetail }, index) => {
    const [x, width] = [LEFT + from * scale, (untilSeconds - from) * scale];
    const what = `${name}: ${(untilSeconds - from).toFixed(2)} s, until ${untilSeconds.toFixed(2)} s`;
    const colour = COLOURS[index % COLOURS.length];
    parts.push(
      `<rect x="${rounded(x)}" y="${top}" width="${rounded(width)}" height="${BAR_HEIGHT}" fill="${colour}"><title>${escaped(what)}</title></rect>`,
    );
    from = untilSeconds;
    if (isDetail) return;
    // Two heights in turn, so that names of short neighbours do not run into each other.
    const height = top + BAR_HEIGHT + 14 + (labels++ % 2) * 14;
    const label = `${escaped(name)} ${untilSeconds.toFixed(1)}`;
    parts.push(`<text x="${rounded(x + width)}" y="${height}" text-anchor="end">${label}</text>`);
  });
  return parts;
}
