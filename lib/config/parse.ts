/** From the text of a machine config to a checked object, or to everything that is wrong with it. */
import type * as z from 'zod';
import { type ConfigDocument, problemAt, readDocuments } from './document.js';
import {
  encodeNetworkDocument,
  MAX_NETWORK_DOCUMENT_BYTES,
  type NetworkDocument,
  networkDocumentOf,
} from './network-document.js';
import { type DhcpConfig, dhcpConfigSchema, hostnameConfigSchema } from './network-schema.js';
import { ConfigError, type ConfigProblem, formatPath } from './problem.js';
import { type MachineConfig, machineConfigSchema } from './schema.js';
import { UNSUPPORTED, UNSUPPORTED_KINDS } from './unsupported.js';

/** Of one document: more are a text that was made for it, and finding the line of each takes time. */
const MAX_ISSUES = 1000;
/** Characters of an unknown kind that are repeated in the message. */
const MAX_QUOTED = 60;

const TOO_LARGE = `has more than ${MAX_NETWORK_DOCUMENT_BYTES / 1024} KiB of interfaces, hosts and servers`;

export interface ParsedMachineConfig {
  config: MachineConfig;
  /** What all of its documents say about the network. */
  network: NetworkDocument;
  warnings: ConfigProblem[];
  /** Plain values of all documents, as written. */
  documents: readonly unknown[];
  /** Line of a field of the main document. */
  lineOf(path: readonly PropertyKey[]): number;
}

/** A problem at a field of the main document. */
export function problemIn(
  { lineOf }: Pick<ParsedMachineConfig, 'lineOf'>,
  path: readonly PropertyKey[],
  message: string,
): ConfigProblem {
  return { path: formatPath(path), line: lineOf(path), message };
}

const SECOND = 'there is already a document of this kind';
const IGNORED = 'is not supported yet and ignored';

/** Fields of DHCPv4Config that Talos has and that are ignored here with a warning. */
const UNSUPPORTED_DHCP = ['clientIdentifier', 'duidRaw'] as const;

/**
 * Parses a machine config: one main document and any number of further ones (`apiVersion`, `kind`), in any order.
 * @param what  for messages: a file's name
 * @returns the config, and warnings for parts that Talos knows but this version ignores
 * @throws ConfigError  with all problems; it names paths and lines, never values
 */
export function parseMachineConfig(text: string, what?: string): ParsedMachineConfig {
  const { documents, problems } = readDocuments(text);
  if (problems.length > 0) throw new ConfigError(problems, what);

  const warnings: ConfigProblem[] = [];
  const main: { document: ConfigDocument; config: MachineConfig | undefined }[] = [];
  const dhcp: DhcpConfig[] = [];
  let naming: { document: ConfigDocument; hostname: string | undefined } | undefined;
  for (const document of documents) {
    const kind = field(document.value, 'kind');
    if (kind === undefined) {
      warnings.push(...unsupportedParts(document));
      main.push({ document, config: check(machineConfigSchema, document, problems) });
    } else if (kind === 'HostnameConfig') {
      if (naming) problems.push(problemAt(document, ['kind'], SECOND));
      const parsed = check(hostnameConfigSchema, document, problems);
      naming = { document, hostname: parsed?.hostname };
      if (parsed?.auto === 'stable') warnings.push(problemAt(document, ['auto'], IGNORED));
    } else if (kind === 'DHCPv4Config') {
      const parsed = check(dhcpConfigSchema, document, problems);
      if (parsed && dhcp.some(({ name }) => name === parsed.name)) {
        problems.push(problemAt(document, ['name'], 'there is another document for this interface'));
      }
      if (parsed) dhcp.push(parsed);
      for (const name of UNSUPPORTED_DHCP.filter((name) => parsed?.[name] !== undefined)) {
        warnings.push(problemAt(document, [name], IGNORED));
      }
    } else if (typeof kind === 'string' && UNSUPPORTED_KINDS.has(kind)) {
      warnings.push(problemAt(document, ['kind'], `${kind} is not supported yet and ignored`));
    } else {
      const shown = JSON.stringify(kind)?.slice(0, MAX_QUOTED);
      problems.push(problemAt(document, ['kind'], `unknown kind of document ${shown}`));
    }
  }

  if (main.length === 0)
    problems.push({ path: '', line: 0, message: 'has no document with version, machine and cluster' });
  for (const { document } of main.slice(1)) problems.push(problemAt(document, [], SECOND));
  const config = main[0]?.config;
  if (naming?.hostname !== undefined && config?.machine.network?.hostname !== undefined) {
    problems.push(problemAt(naming.document, ['hostname'], 'the host name is set by machine.network.hostname too'));
  }
  if (problems.length > 0 || config === undefined) throw new ConfigError(problems, what);
  if (naming?.hostname !== undefined) {
    config.machine.network = { ...config.machine.network, hostname: naming.hostname };
  }
  const lineOf = (path: readonly PropertyKey[]) => main[0]?.document.lineOf(path) ?? 0;
  const network = networkDocumentOf(config, dhcp);
  if (encodeNetworkDocument(network).length > MAX_NETWORK_DOCUMENT_BYTES) {
    throw new ConfigError(
      [{ path: 'machine.network', line: lineOf(['machine', 'network']), message: TOO_LARGE }],
      what,
    );
  }
  return { config, network, warnings, documents: documents.map(({ value }) => value), lineOf };
}

function check<T>(schema: z.ZodType<T>, document: ConfigDocument, problems: ConfigProblem[]): T | undefined {
  const result = schema.safeParse(document.value);
  if (result.success) return result.data;
  for (const issue of result.error.issues.slice(0, MAX_ISSUES)) {
    if (issue.code === 'unrecognized_keys') {
      problems.push(
        ...issue.keys.slice(0, MAX_ISSUES).map((key) => problemAt(document, [...issue.path, key], 'unknown field')),
      );
    } else {
      problems.push(problemAt(document, issue.path, sentence(issue)));
    }
  }
  return undefined;
}

/** Our own messages already are sentences about the field; the library's are put into the same form. */
function sentence(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type') {
    if (issue.message.endsWith('received undefined')) return 'is missing';
    return `must be ${issue.expected === 'int' ? 'a whole number' : `of type ${issue.expected}`}`;
  }
  if (issue.code === 'invalid_value') {
    if (issue.message.endsWith('received undefined')) return 'is missing';
    return `must be ${issue.values.map((value) => JSON.stringify(value)).join(' or ')}`;
  }
  if (issue.code === 'too_small')
    return `must be at least ${issue.minimum}${issue.origin === 'string' ? ' characters long' : ''}`;
  if (issue.code === 'too_big')
    return `must be at most ${issue.maximum}${issue.origin === 'string' ? ' characters long' : ''}`;
  return issue.message;
}

function unsupportedParts(document: ConfigDocument): ConfigProblem[] {
  // Of these only the other value is what a node does.
  const values = Object.entries({ debug: true, persist: false }).filter(
    ([name, value]) => field(document.value, name) === value,
  );
  const parts = Object.entries(UNSUPPORTED).flatMap(([objectPath, names]) =>
    objectsAt(document.value, objectPath).flatMap(({ path, object }) =>
      names.filter((name) => field(object, name) !== undefined).map((name) => [...path, name]),
    ),
  );
  return [...values.map(([name]) => [name]), ...parts].map((path) => problemAt(document, path, IGNORED));
}

/** What stands at a path of names; a name with `[]` is a list, of which each item is meant. */
function objectsAt(value: unknown, objectPath: string): { path: PropertyKey[]; object: unknown }[] {
  let found: { path: PropertyKey[]; object: unknown }[] = [{ path: [], object: value }];
  for (const segment of objectPath.split('.')) {
    const name = segment.replace('[]', '');
    found = found.map(({ path, object }) => ({ path: [...path, name], object: field(object, name) }));
    if (name === segment) continue;
    found = found.flatMap(({ path, object }) =>
      Array.isArray(object)
        ? object.slice(0, MAX_ISSUES).map((item, index) => ({ path: [...path, index], object: item }))
        : [],
    );
  }
  return found;
}

function field(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Record<string, unknown>)[name];
}
