import { errorMessage } from '../../../base/errors.js';
import { printable } from '../../../base/printable.js';
import { type ManifestObject, parseManifests } from '../../../config/manifest-text.js';
import { applyObjects, type KubeClient, type ObjectToApply } from '../../../kube/api/index.js';
import { describeSource, type ManifestSource } from './sources.js';

/** Gives the text behind a URL. Rejects with a sentence that names it. */
export type FetchManifest = (source: Extract<ManifestSource, { kind: 'url' }>, signal: AbortSignal) => Promise<string>;

interface Item extends ObjectToApply {
  /** Of which manifest. */
  where: string;
}

/** The manifests of one config on their way into the cluster: what is fetched is not fetched again, what is applied not applied again. */
export class ManifestBatch {
  /** undefined: its text has not come yet, or is none. */
  private readonly read = new Map<ManifestSource, Item[] | undefined>();
  private readonly pending = new Set<Item>();
  private readonly done: string[] = [];

  constructor(
    sources: readonly ManifestSource[],
    private readonly fetch: FetchManifest,
  ) {
    for (const source of sources) this.read.set(source, undefined);
  }

  /** What is in the cluster, each once: kind and name, for people. */
  get applied(): readonly string[] {
    return this.done;
  }

  /**
   * Applies all that is not yet.
   * @returns what could not be, a piece of a sentence each that names it; nothing when all is there
   * @throws KubeError  the API cannot be asked · the reason of the signal
   */
  async apply(client: Pick<KubeClient, 'get' | 'apply'>, signal: AbortSignal): Promise<string[]> {
    const problems: string[] = [];
    for (const source of this.read.keys()) problems.push(...(await this.readOne(source, signal)));
    const left = await applyObjects(client, [...this.pending], {
      signal,
      applied: (item) => {
        this.pending.delete(item);
        this.done.push(describeObject(item));
      },
    });
    return [
      ...problems,
      ...left.map(({ object, error }) => `${object.where}: ${describeObject(object)}: ${error.message}`),
    ];
  }

  private async readOne(source: ManifestSource, signal: AbortSignal): Promise<string[]> {
    if (this.read.get(source) !== undefined) return [];
    const where = describeSource(source);
    let text: string;
    try {
      text = source.kind === 'inline' ? source.text : await this.fetch(source, signal);
    } catch (error) {
      signal.throwIfAborted();
      return [`manifest ${errorMessage(error)}`];
    }
    const { objects, problems } = parseManifests(text);
    if (problems.length > 0) return [`${where}: ${printable(problems.join(', '))}`];
    const items = objects.map((object: ManifestObject): Item => ({ ...object, where }));
    this.read.set(source, items);
    for (const item of items) this.pending.add(item);
    return [];
  }
}

function describeObject({ kind, namespace, name }: Item): string {
  return `${kind} ${namespace === undefined ? '' : `${namespace}/`}${printable(name)}`;
}
