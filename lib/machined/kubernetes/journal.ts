/**
 * What this node is of a cluster, and how far it has come: one JSON file, replaced as a whole and flushed, so that a power cut leaves it as it was before or after
 * a phase.
 */
import { errorCode, TalosError } from '../../base/errors.js';
import type { FilesModule } from '../../native/contract.js';
import type { MembershipKind } from './phases.js';

export interface Journal {
  kind: MembershipKind;
  /** SHA-256 of the public key of the cluster's CA: which cluster it is. */
  authority: string;
  /** The node's name in it. */
  nodeName: string;
  /** Release of Kubernetes, as 'v1.20.2'. */
  release: string;
  /** Names of the phases that are through, in their order. */
  done: readonly string[];
  /** All phases are. */
  isMember: boolean;
  /** Digest of what its control plane was made from; absent on a worker, and where it was made from what the cluster says of itself. */
  controlPlane?: string;
}

const FILE = 'journal.json';
const FORMAT = 1;
const MAX_BYTES = 64 * 1024;
const WHAT_TO_DO = 'reset the node (osctl reset) to have it join anew';

export class JournalFile {
  /** @param folder  of the journal; must be there */
  constructor(
    private readonly files: Pick<FilesModule, 'openRoot' | 'readFile' | 'replaceFile'>,
    private readonly folder: string,
  ) {}

  /**
   * undefined: the node is no member, and has not begun to become one.
   * @throws TalosError ERR_JOURNAL  it cannot be made sense of
   */
  async read(): Promise<Journal | undefined> {
    const root = await this.files.openRoot(this.folder);
    try {
      return parseJournal((await this.files.readFile(root, FILE, { maxBytes: MAX_BYTES })).toString('utf8'));
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return undefined;
      throw error;
    } finally {
      root.close();
    }
  }

  /** Resolves when it is on the medium. */
  async write(journal: Journal): Promise<void> {
    const root = await this.files.openRoot(this.folder);
    try {
      const text = `${JSON.stringify({ format: FORMAT, ...journal }, undefined, 2)}\n`;
      await this.files.replaceFile(root, FILE, Buffer.from(text), { mode: 0o600 });
    } finally {
      root.close();
    }
  }
}

/** @throws TalosError ERR_JOURNAL */
export function parseJournal(text: string): Journal {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw broken('is no JSON', cause);
  }
  if (typeof value !== 'object' || value === null) throw broken('is no object');
  const { format, kind, authority, nodeName, release, done, isMember, controlPlane } = value as Record<string, unknown>;
  if (format !== FORMAT) throw broken('has a format that this version does not know');
  const isText = (each: unknown): each is string => typeof each === 'string' && each !== '';
  if (kind !== 'init' && kind !== 'join') throw broken('has no kind');
  if (!isText(authority) || !isText(nodeName) || !isText(release)) throw broken('does not name its cluster');
  if (!Array.isArray(done) || !done.every(isText)) throw broken('does not say what is done');
  if (typeof isMember !== 'boolean') throw broken('does not say whether the node is a member');
  if (controlPlane !== undefined && !isText(controlPlane)) throw broken('does not say what its control plane is');
  return { kind, authority, nodeName, release, done, isMember, ...(controlPlane !== undefined && { controlPlane }) };
}

function broken(what: string, cause?: unknown): TalosError {
  return new TalosError('ERR_JOURNAL', `the journal of this node's membership ${what}: ${WHAT_TO_DO}`, { cause });
}

/** What is known when the journal is taken up again. */
export type JournalFacts = Pick<Journal, 'authority' | 'nodeName' | 'release'>;

/** Why a node cannot go on with its journal: one sentence. undefined: it can. */
export function journalProblem(journal: Journal, now: JournalFacts): string | undefined {
  if (journal.authority !== now.authority) {
    return `this node belongs to a cluster with another CA than the config's (cluster.ca): bring back that config, or ${WHAT_TO_DO}`;
  }
  if (journal.nodeName !== now.nodeName) {
    return `this node is ${journal.nodeName} in its cluster and is called ${now.nodeName} now: give it its name back (machine.network.hostname), or ${WHAT_TO_DO}`;
  }
  if (journal.release !== now.release) {
    return `this node runs Kubernetes ${journal.release} and its image has ${now.release}, which it cannot be changed to: boot an image with ${journal.release}, or ${WHAT_TO_DO}`;
  }
  return undefined;
}
