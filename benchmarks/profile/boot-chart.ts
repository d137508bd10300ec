/** The steps of a boot as an SVG picture: a row a step, from its begin to its end, on one axis of time. Pure. */
import { escaped, picture, rounded } from '../lib/svg.js';
import type { BootStep } from './boot-steps.js';

const WIDTH = 1100;
const LEFT = 190;
const RIGHT = 90;
const TOP = 70;
const ROW_HEIGHT = 20;
const AXIS_HEIGHT = 34;
const AXIS_STEPS = [0.5, 1, 2, 5, 10, 20, 50];
const MOST_TICKS = 16;
/** Pixels: what takes no time is seen, too. */
const LEAST_WIDTH = 1.5;
const COLOURS = { boot: '#1b4965', 'PID 1': '#2a7f62', services: '#c3423f' };
/** The part of a service before its process is there. */
const BEFORE = '#f2a65a';

/**
 * Draws it.
 * @param mark  a line across all rows
 * @throws RangeError without a step
 */
export function bootChart(
  title: string,
  steps: readonly BootStep[],
  mark: { readonly label: string; readonly seconds: number },
): string {
  if (steps.length === 0) throw new RangeError('a boot without steps');
  const most = Math.max(mark.seconds, ...steps.map(({ until }) => until));
  const scale = (WIDTH - LEFT - RIGHT) / most;
  const bottom = TOP + steps.length * ROW_HEIGHT;
  const place = (seconds: number) => rounded(LEFT + seconds * scale);
  const parts = [`<text x="16" y="26" font-size="16">${escaped(title)}</text>`];
  const tick = AXIS_STEPS.find((each) => most / each <= MOST_TICKS) ?? most;
  for (let at = 0; at <= most; at += tick) {
    parts.push(`<line x1="${place(at)}" y1="${TOP - 8}" x2="${place(at)}" y2="${bottom}" stroke="#ddd"/>`);
    parts.push(`<text x="${place(at)}" y="${bottom + 18}" text-anchor="middle">${at} s</text>`);
  }
  for (const [row, step] of steps.entries()) parts.push(...drawnStep(step, TOP + row * ROW_HEIGHT, scale));
  const x = place(mark.seconds);
  parts.push(`<line x1="${x}" y1="${TOP - 8}" x2="${x}" y2="${bottom}" stroke="#c00" stroke-dasharray="5 3"/>`);
  parts.push(`<text x="${x}" y="${TOP - 14}" text-anchor="middle" fill="#c00">${escaped(mark.label)}</text>`);
  return picture(WIDTH, bottom + AXIS_HEIGHT, parts);
}

function drawnStep({ group, name, from, until, startedAt }: BootStep, top: number, scale: number): string[] {
  const label = group === 'boot' ? name : `${group === 'services' ? 'service' : group}: ${name}`;
  const hint = `${label}: ${from.toFixed(2)} to ${until.toFixed(2)} s`;
  const bar = (begin: number, end: number, colour: string) => {
    const width = Math.max(LEAST_WIDTH, (end - begin) * scale);
    const place = `x="${rounded(LEFT + begin * scale)}" y="${top + 2}" width="${rounded(width)}" height="${ROW_HEIGHT - 4}"`;
    return `<rect ${place} fill="${colour}"><title>${escaped(hint)}</title></rect>`;
  };
  return [
    `<text x="${LEFT - 10}" y="${top + 14}" text-anchor="end">${escaped(label)}</text>`,
    ...(startedAt === undefined ? [] : [bar(from, startedAt, BEFORE)]),
    bar(startedAt ?? from, until, COLOURS[group]),
    `<text x="${rounded(LEFT + until * scale + 6)}" y="${top + 14}" fill="#444">${(until - from).toFixed(2)} s</text>`,
  ];
}
