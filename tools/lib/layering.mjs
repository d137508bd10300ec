// Checks imports of TypeScript and includes of C++ against layering-rules.mjs. Each check returns sentences, one a violation.
import { readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import path from 'node:path';
import {
  bannedModules,
  layers,
  nativeLayers,
  nodeApiHeaders,
  systemCallHeaders,
  systemCalls,
  unstableHeaders,
} from './layering-rules.mjs';

/** Statements start a line (the formatter sees to that); dynamic imports stand anywhere. Type-only imports count. */
const statement = /^(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]|^import\s*['"]([^'"]+)['"]/gm;
const dynamicImport = /\b(?:import|require|createRequire\([^)]*\))\s*\(\s*['"]([^'"]+)['"]/g;

/**
 * What a file imports, as written.
 * @param {string} text of a TypeScript or JavaScript file
 * @returns {string[]}
 */
export function importsOf(text) {
  const code = text.replaceAll(/^\s*\/\/.*$/gm, '').replaceAll(/^\s*\/\*[\s\S]*?\*\//gm, '');
  return [...code.matchAll(statement), ...code.matchAll(dynamicImport)].map((match) => match[1] ?? match[2]);
}

const packageOf = (specifier) =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');

/** Checks one import of a file of lib/. */
function checkImport(file, folder, specifier) {
  const rule = layers[folder];
  if (specifier.startsWith('.')) {
    const target = path.posix.join(path.posix.dirname(file), specifier);
    const [top, targetFolder] = target.split('/');
    if (top !== 'lib') return `${file}: imports ${target}, which is outside lib/`;
    if (targetFolder === folder || rule.folders.includes(targetFolder)) return undefined;
    return `${file}: lib/${folder} may not import lib/${targetFolder}`;
  }
  const name = specifier.replace(/^node:/, '');
  if (specifier.startsWith('node:') || builtinModules.includes(name)) {
    return bannedModules[folder]?.includes(name) ? `${file}: lib/${folder} may not use ${specifier}` : undefined;
  }
  if ((rule.packages ?? []).includes(packageOf(specifier))) return undefined;
  return `${file}: lib/${folder} may not import the package ${packageOf(specifier)}`;
}

/**
 * Checks the layers of lib/.
 * @param {string[]} files   paths of TypeScript and JavaScript files relative to `base`
 * @param {string} base      the checkout
 * @returns {string[]} violations
 */
export function checkLayers(files, base) {
  const violations = [];
  const graph = new Map();
  for (const file of files) {
    const [top, folder] = file.split('/');
    if (top !== 'lib' || !/\.(ts|js|mjs)$/.test(file)) continue;
    if (!Object.hasOwn(layers, folder)) {
      violations.push(`${file}: lib/${folder} is no layer; add it to tools/lib/layering-rules.mjs`);
      continue;
    }
    const imports = importsOf(readFileSync(path.join(base, file), 'utf8'));
    for (const specifier of imports) {
      const violation = checkImport(file, folder, specifier);
      if (violation) violations.push(violation);
    }
    graph.set(
      file,
      imports
        .filter((specifier) => specifier.startsWith('.'))
        .map((specifier) => path.posix.join(path.posix.dirname(file), specifier).replace(/\.js$/, '.ts')),
    );
  }
  return [...violations, ...findCycles(graph)];
}

/**
 * Finds import cycles between files.
 * @param {Map<string, string[]>} graph
 * @returns {string[]} one sentence a cycle
 */
export function findCycles(graph) {
  const finished = new Set();
  const cycles = [];
  const visit = (file, trail) => {
    const at = trail.indexOf(file);
    if (at >= 0) {
      cycles.push(`import cycle: ${[...trail.slice(at), file].join(' -> ')}`);
      return;
    }
    if (finished.has(file)) return;
    for (const next of graph.get(file) ?? []) visit(next, [...trail, file]);
    finished.add(file);
  };
  for (const file of graph.keys()) visit(file, []);
  return cycles;
}

/** Folders of native/ whose code makes system calls itself. */
const mayCallKernel = new Set(['sys', 'stage0', 'pause', 'test', 'fuzz']);

const include = /^\s*#\s*include\s*([<"])([^>"]+)[>"]/gm;

/**
 * Checks the layers of native/.
 * @param {string[]} files paths relative to `base`
 * @param {string} base the checkout
 * @returns {string[]} violations
 */
export function checkNativeLayers(files, base) {
  const violations = [];
  for (const file of files) {
    const [top, folder] = file.split('/');
    if (top !== 'native' || !/\.(cc|h)$/.test(file)) continue;
    if (!Object.hasOwn(nativeLayers, folder)) {
      violations.push(`${file}: native/${folder} is no layer; add it to tools/lib/layering-rules.mjs`);
      continue;
    }
    const text = readFileSync(path.join(base, file), 'utf8');
    for (const [, , header] of text.matchAll(include)) {
      const violation = checkInclude(folder, header);
      if (violation) violations.push(`${file}: ${violation}`);
    }
    const call = mayCallKernel.has(folder) ? null : systemCalls.exec(text.replaceAll(/\/\/.*$/gm, ''));
    if (call) violations.push(`${file}: only native/sys may call ${call[1]}`);
  }
  return violations;
}

function checkInclude(folder, header) {
  if (unstableHeaders.test(header)) return `nobody may include <${header}>: Node-API's stable ABI does not cover it`;
  if (nodeApiHeaders.test(header) && folder !== 'bind') return `only native/bind may include <${header}>`;
  const isAllowed = mayCallKernel.has(folder) || (folder === 'base' && header === 'unistd.h');
  if (systemCallHeaders.test(header)) {
    return isAllowed ? undefined : `only native/sys may include <${header}>, which declares system calls`;
  }
  const target = header.replace(/^native\//, '').split('/')[0];
  if (!header.includes('/') || !Object.hasOwn(nativeLayers, target) || target === folder) return undefined;
  return nativeLayers[folder].includes(target) ? undefined : `native/${folder} may not include native/${target}`;
}
