/** Manifests that a cluster brings along: fields of `cluster`, and those of a network of its own. */
import * as z from 'zod';
import { parseManifests } from './manifest-text.js';
import { unsupported } from './unsupported.js';

const MAX_MANIFESTS = 64;
const MAX_URL_CHARACTERS = 4096;
const MAX_HEADERS = 16;
/** RFC 9110, 5.6.2. */
const HEADER_NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/;
/** Printable, and no longer than servers take. */
const HEADER_VALUE = /^[\t -~]{0,8192}$/;

/** Headers that say how the answer is to be read, or where a request goes: they are the node's own. */
const OWN_HEADERS: ReadonlySet<string> = new Set([
  ...['accept-encoding', 'connection', 'content-length', 'expect', 'host', 'keep-alive', 'proxy-authorization'],
  ...['range', 'te', 'trailer', 'transfer-encoding', 'upgrade'],
]);

/**
 * What such a URL names is applied by the administrator of the cluster: whoever is in the way of plain http would own it, in a private network as anywhere.
 */
const manifestUrl = z
  .string()
  .max(MAX_URL_CHARACTERS)
  .refine((text) => {
    if (!URL.canParse(text)) return false;
    const url = new URL(text);
    // A password in it would be shown wherever the URL is.
    return url.protocol === 'https:' && url.username === '' && url.password === '' && url.hash === '';
  }, 'must be a URL such as https://example.org/manifest.yaml, without a password in it: what it names gets all rights in the cluster, so http is refused');

const manifestUrls = z
  .array(manifestUrl)
  .max(MAX_MANIFESTS)
  .refine((urls) => new Set(urls).size === urls.length, 'names a URL twice');

export const cniSchema = z
  .strictObject({
    ...unsupported('cluster.network.cni'),
    name: z
      .string()
      .refine(
        (name): name is 'bridge' | 'custom' | 'none' => ['bridge', 'custom', 'none'].includes(name),
        'must be "bridge", which is the default, "custom" with the urls of its manifests, or "none" for a cluster that brings its own in another way; others are not supported yet',
      ),
    urls: manifestUrls.optional().describe('Manifests of the network, with the name custom.'),
  })
  .superRefine(({ name, urls }, context) => {
    const isWanted = name === 'custom';
    if (isWanted === (urls !== undefined && urls.length > 0)) return;
    const message = isWanted ? 'is missing: the manifests of the network' : 'is for cluster.network.cni.name: custom';
    context.addIssue({ code: 'custom', path: ['urls'], message });
  })
  .describe('How pods get their network.');

const inlineManifest = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'must be a name of letters, digits, ".", "_" and "-"'),
  contents: z.string().superRefine((text, context) => {
    for (const message of parseManifests(text).problems) context.addIssue({ code: 'custom', message });
  }),
});

/** Fields of `cluster`. */
export const manifestFields = {
  inlineManifests: z
    .array(inlineManifest)
    .max(MAX_MANIFESTS)
    .superRefine((manifests, context) => {
      const names = manifests.map(({ name }) => name);
      names.forEach((name, index) => {
        if (names.indexOf(name) === index) return;
        context.addIssue({ code: 'custom', path: [index, 'name'], message: 'is the name of another one' });
      });
    })
    .optional()
    .describe('Objects that the cluster is to have.'),
  extraManifests: manifestUrls.optional().describe('Where there are more of them.'),
  extraManifestHeaders: z
    .record(z.string(), z.string())
    .superRefine((headers, context) => {
      const names = Object.keys(headers);
      if (names.length > MAX_HEADERS) {
        context.addIssue({ code: 'custom', message: `has more than ${MAX_HEADERS} headers` });
      }
      for (const name of names.slice(0, MAX_HEADERS)) {
        const message = headerProblem(name, headers[name] ?? '');
        if (message !== undefined) context.addIssue({ code: 'custom', path: [name], message });
      }
    })
    .optional()
    .describe('HTTP headers with which extraManifests are asked for.'),
};

function headerProblem(name: string, value: string): string | undefined {
  if (!HEADER_NAME.test(name)) return 'is no name of an HTTP header';
  if (OWN_HEADERS.has(name.toLowerCase())) return 'is a header that the node sets itself';
  return HEADER_VALUE.test(value) ? undefined : 'is no value of an HTTP header';
}
