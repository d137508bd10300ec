/** Where the kernel command line says that the machine config is: `talos.config=`. */
import { hasVariableInAuthority, URL_VARIABLES, variablesOf, withValues } from './url-variables.js';

export type ConfigSource =
  /** Fetched by networkd. May hold a password and a query that is one: never shown whole. With `${…}` as it was written (url-variables.ts). */
  | { kind: 'url'; url: string }
  /** A file of the root image, put there by who has built it. */
  | { kind: 'file'; path: string }
  /** What is written there names no place that this version knows; a sentence, without what may be secret. */
  | { kind: 'unsupported'; why: string };

const MAX_URL_CHARACTERS = 4096;
/** Another word of the public documentation: the file config.yaml on a medium of that label. */
const ISO = 'metal-iso';
/** A name of the public documentation that stands for what a person types in. */
const CODE = '${code}';
/** In the place of names that are only known later. */
const SOME_VALUES = Object.fromEntries(URL_VARIABLES.map((name) => [name, 'x']));

/**
 * Reads the value of `talos.config=`.
 * @param text  undefined when there is no such parameter
 * @returns undefined when it names nothing: absent, empty or `none`
 */
export function parseConfigSource(text: string | undefined): ConfigSource | undefined {
  if (text === undefined || text === '' || text === 'none') return undefined;
  if (text === ISO) {
    return unsupported(`talos.config=${ISO} is not supported: bring a file system with the label TALOSCONFIG`);
  }
  if (text.length > MAX_URL_CHARACTERS) {
    return unsupported(`talos.config= is not supported with more than ${MAX_URL_CHARACTERS} characters`);
  }
  if (text.includes(CODE)) return unsupported(`talos.config= is not supported with ${CODE}: nobody is asked for it`);
  const hasVariables = variablesOf(text).length > 0;
  if (hasVariableInAuthority(text)) {
    return unsupported('talos.config= is not supported with ${…} before the path of the URL: it must say who is asked');
  }
  let url: URL;
  try {
    url = new URL(hasVariables ? withValues(text, SOME_VALUES) : text);
  } catch {
    return unsupported('talos.config= is not supported unless it is http://…, https://… or file:///…');
  }
  if (url.protocol === 'http:' || url.protocol === 'https:') {
    return { kind: 'url', url: hasVariables ? text : url.href };
  }
  if (url.protocol !== 'file:') {
    return unsupported(`talos.config=${url.protocol} is not supported: there are http:, https: and file:`);
  }
  if (hasVariables) return unsupported('talos.config=file: is not supported with ${…} in it');
  if (url.host !== '' || url.pathname.length < 2 || url.pathname.endsWith('/')) {
    return unsupported('talos.config=file: is not supported unless it names a file of this node: file:///PATH');
  }
  try {
    return { kind: 'file', path: decodeURIComponent(url.pathname) };
  } catch {
    return unsupported('talos.config=file: is not supported with a % that is no escape');
  }
}

function unsupported(why: string): ConfigSource {
  return { kind: 'unsupported', why };
}
