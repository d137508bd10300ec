/** How costs grow, as an SVG picture: a line a kind of thing, both axes logarithmic, so that what grows in proportion rises by one in one. Pure: numbers in, text out. */
import { short } from './dot-chart.js';
import { escaped, picture, rounded } from './svg.js';

export interface GrowthLine {
  readonly label: string;
  readonly points: readonly { readonly size: number; readonly cost: number }[];
}

const WIDTH = 960;
const HEIGHT = 520;
const LEFT = 70;
const RIGHT = 230;
const TOP = 60;
const BOTTOM = 50;
/** Told apart in grey as well. */
const COLOURS = ['#1b4965', '#2a7f62', '#c3423f', '#f2a65a', '#5b507a', '#62b6cb'];

interface Axis {
  readonly place: (value: number) => number;
  readonly ticks: readonly number[];
}

function axis(values: readonly number[], start: number, end: number): Axis {
  const first = Math.floor(Math.log10(Math.min(...values)));
  const last = Math.max(first + 1, Math.ceil(Math.log10(Math.max(...values))));
  return {
    place: (value) => start + ((end - start) * (Math.log10(value) - first)) / (last - first),
    ticks: Array.from({ length: last - first + 1 }, (_, index) => 10 ** (first + index)),
  };
}

/** Names at the ends of lines that lie close to each other are moved apart. */
function apart(places: readonly number[]): number[] {
  const order = places.map((place, index) => ({ place, index })).sort((left, right) => left.place - right.place);
  let lowest = Number.NEGATIVE_INFINITY;
  const moved = new Array<number>(places.length);
  for (const { place, index } of order) {
    lowest = Math.max(place, lowest + 15);
    moved[index] = lowest;
  }
  return moved;
}

/** Draws it. */
export function growthChart({
  title,
  unit,
  lines,
}: {
  title: string;
  unit: string;
  lines: readonly GrowthLine[];
}): string {
  const points = lines.flatMap((line) => line.points);
  const across = axis(
    points.map(({ size }) => size),
    LEFT,
    WIDTH - RIGHT,
  );
  const up = axis(
    points.map(({ cost }) => cost),
    HEIGHT - BOTTOM,
    TOP,
  );
  const parts = [
    `<text x="${LEFT}" y="28" font-size="16">${escaped(title)}</text>`,
    `<text x="${LEFT}" y="48" fill="#666">${escaped(unit)}</text>`,
    `<text x="${WIDTH - RIGHT}" y="${HEIGHT - 10}" text-anchor="end" fill="#666">how many there are</text>`,
  ];
  for (const tick of across.ticks) {
    const x = rounded(across.place(tick));
    parts.push(`<line x1="${x}" y1="${TOP}" x2="${x}" y2="${HEIGHT - BOTTOM}" stroke="#ddd"/>`);
    parts.push(`<text x="${x}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">${short(tick)}</text>`);
  }
  for (const tick of up.ticks) {
    const y = rounded(up.place(tick));
    parts.push(`<line x1="${LEFT}" y1="${y}" x2="${WIDTH - RIGHT}" y2="${y}" stroke="#ddd"/>`);
    parts.push(`<text x="${LEFT - 8}" y="${Number(y) + 4}" text-anchor="end">${short(tick)}</text>`);
  }
  const names = apart(lines.map((line) => up.place(line.points.at(-1)?.cost ?? 1)));
  for (const [index, line] of lines.entries()) {
    const colour = COLOURS[index % COLOURS.length];
    const corners = line.points.map(({ size, cost }) => `${rounded(across.place(size))},${rounded(up.place(cost))}`);
    parts.push(`<polyline points="${corners.join(' ')}" fill="none" stroke="${colour}" stroke-width="2"/>`);
    for (const corner of corners) {
      const [x, y] = corner.split(',');
      parts.push(`<circle cx="${x}" cy="${y}" r="3.5" fill="${colour}"/>`);
    }
    const place = rounded(names[index] as number);
    parts.push(`<text x="${WIDTH - RIGHT + 10}" y="${place}" fill="${colour}">${escaped(line.label)}</text>`);
  }
  return picture(WIDTH, HEIGHT, parts);
}
