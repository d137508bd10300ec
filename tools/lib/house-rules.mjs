// Rules of the house that no ready-made linter knows. Each check returns sentences, one a violation.
import { existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';

/**
 * The one list of native sources against the files that there are.
 * @param {string[]} files all files of the checkout, relative to `base`
 * @param {string} base
 * @returns {string[]}
 */
export function checkSourceList(files, base) {
  const list = JSON.parse(readFileSync(path.join(base, 'native', 'sources.json'), 'utf8'));
  const {
    core,
    bind,
    tests = [],
    test_support: testSupport = [],
    tests_with_threads: withThreads = [],
    fuzz = [],
  } = list;
  const listed = new Set([...core, ...bind, ...tests, ...testSupport, ...fuzz]);
  const present = files.filter((file) => /^native\/(?!(stage0|pause)\/).*\.cc$/.test(file));
  return [
    ...present.filter((file) => !listed.has(file)).map((file) => `${file}: not listed in native/sources.json`),
    ...[...listed]
      .filter((file) => !present.includes(file))
      .map((file) => `native/sources.json: ${file} does not exist`),
    ...tests
      .filter((file) => !withThreads.includes(file) && startsThreads.test(readFileSync(path.join(base, file), 'utf8')))
      .map((file) => `native/sources.json: ${file} starts threads and is not in tests_with_threads`),
    ...withThreads
      .filter((file) => !tests.includes(file))
      .map((file) => `native/sources.json: ${file} in tests_with_threads is no test`),
    ...bind
      .filter((file) => !file.startsWith('native/bind/'))
      .map((file) => `native/sources.json: ${file} is no binding`),
    ...core.filter((file) => file.startsWith('native/bind/')).map((file) => `native/sources.json: ${file} is no core`),
  ];
}

/** In a test, of its own or by a core that has them. */
const startsThreads = /std::j?thread\b|"(reactor|relay)\/|"power\/watchdog/;

/**
 * The lock file names packages and checksums; an address would tie it to one mirror. It names optional packages of other
 * platforms as well, else `npm ci` refuses it; npm leaves them out when a mirror lacks them.
 * @param {string} base
 * @returns {string[]}
 */
export function checkLockFile(base) {
  const { packages } = JSON.parse(readFileSync(path.join(base, 'package-lock.json'), 'utf8'));
  const names = new Set(
    Object.keys(packages).map((key) => key.slice(key.lastIndexOf('node_modules/') + 'node_modules/'.length)),
  );
  return Object.entries(packages).flatMap(([key, entry]) => [
    ...(/^https?:/.test(entry.resolved ?? '') ? [`package-lock.json: ${key} carries a download address`] : []),
    ...Object.keys(entry.optionalDependencies ?? {})
      .filter((name) => !names.has(name))
      .map((name) => `package-lock.json: ${key} may need ${name}, which has no entry`),
  ]);
}

const textFile =
  /\.(ts|mjs|js|cc|h|json|md|proto|config|sh|yaml|yml|S|c|txt)$|(^|\/)(CMakeLists\.txt|Makefile|run|guest|osctl)$/;
const unfinishedWords = new RegExp(`\\b(${['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X'].join('|')})\\b`);

/**
 * Work that was put off belongs into an issue, not into the code.
 * @param {string[]} files relative to `base`
 * @param {string} base
 * @returns {string[]}
 */
export function checkUnfinished(files, base) {
  const violations = [];
  for (const file of files) {
    if (!textFile.test(file) || file === 'package-lock.json' || file.startsWith('lib/gen/')) continue;
    const absolute = path.join(base, file);
    if (!existsSync(absolute)) continue;
    for (const [index, line] of readFileSync(absolute, 'utf8').split('\n').entries()) {
      const word = unfinishedWords.exec(line)?.[0];
      if (word) violations.push(`${file}:${index + 1}: ${word}`);
    }
  }
  return violations;
}

/**
 * AbortSignal.any() loses the deadlines among its sources (lib/base/abort.ts).
 * @param {string[]} files relative to `base`
 * @param {string} base
 * @returns {string[]}
 */
export function checkSignals(files, base) {
  return files.flatMap((file) => {
    const absolute = path.join(base, file);
    if (!/\.ts$/.test(file) || !existsSync(absolute)) return [];
    return readFileSync(absolute, 'utf8')
      .split('\n')
      .flatMap((line, index) =>
        /\bAbortSignal\.any\((?!\))/.test(line)
          ? [`${file}:${index + 1}: withSignals() or withDeadline() instead of AbortSignal.any()`]
          : [],
      );
  });
}

/** PEM with a body, as it stands in a file or escaped in a string; and the same in base64, as client and machine configs have it. */
const keyTexts = [
  /-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----(\r?\n|\\n)\s*[A-Za-z0-9+/=]{32,}/,
  new RegExp(`${Buffer.from('-----BEGIN').toString('base64').slice(0, 12)}[A-Za-z0-9+/=]{60,}`),
];
/** Configs and PEM files are far below it. */
const largestKeyFileBytes = 1024 * 1024;

/**
 * Keys are made when they are needed and stay with who made them: none is in the checkout, not even a worthless one.
 * @param {string[]} files relative to `base`
 * @param {string} base
 * @returns {string[]}
 */
export function checkKeys(files, base) {
  return files.flatMap((file) => {
    const absolute = path.join(base, file);
    if (!existsSync(absolute) || statSync(absolute).size > largestKeyFileBytes) return [];
    const text = readFileSync(absolute, 'latin1');
    return keyTexts.some((pattern) => pattern.test(text)) ? [`${file}: holds a private key or a certificate`] : [];
  });
}
