/** What the scripts of a profile are called: by their places in the checkout, and the pieces of a bundle by the files that they were made from. */
import { readFileSync } from 'node:fs';
import { basename, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkout } from '../lib/report.js';
import type { ModuleNamer } from './cpu-profile.js';

/** esbuild's comment before each file of a bundle: its path in the checkout. */
const ORIGIN = /^\s*\/\/ ((?:lib|bin|node_modules)\/\S+)$/;

/** A file of a bundle, from that line (from 1) on. */
interface Piece {
  readonly line: number;
  readonly module: string;
}

/** Finds the pieces of a bundle, in their order; none in what is no bundle. Pure. */
export function piecesOf(text: string): Piece[] {
  return text.split('\n').flatMap((line, index) => {
    const [, module] = ORIGIN.exec(line) ?? [];
    return module === undefined ? [] : [{ line: index + 1, module }];
  });
}

/** From which file a line (from 1) of a bundle is; undefined before the first. Pure. */
export function bundleModule(pieces: readonly Piece[], line: number): string | undefined {
  return pieces.findLast((piece) => piece.line <= line)?.module;
}

/** Names scripts by the files on this machine, each of which is read once. */
export function moduleNamer(): ModuleNamer {
  const bundles = new Map<string, Piece[]>();
  return (url, line) => {
    if (!url.startsWith('file:') && !url.startsWith('/')) return url;
    const path = url.startsWith('/') ? url : fileURLToPath(url);
    const name = relative(checkout, path).split(sep).join('/');
    if (name.startsWith('..')) return path;
    if (!/^out\/osctl/.test(name)) return name.replace(/^out\/js\//, '');
    const pieces = bundles.get(path) ?? piecesOf(readFileSync(path, 'utf8'));
    bundles.set(path, pieces);
    const module = bundleModule(pieces, line);
    // The line is one of the bundle's.
    return module === undefined ? name : `${module} in ${basename(path)}`;
  };
}
