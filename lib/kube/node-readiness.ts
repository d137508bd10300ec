/** Whether the nodes of a cluster are Ready: https://kubernetes.io/docs/reference/node/node-status/#condition */
import { printable } from '../base/printable.js';
import { type JsonObject, listAt, textAt } from './api/index.js';

/** What a node says of itself. */
export interface NodeReadiness {
  readonly name: string;
  readonly isReady: boolean;
  /** Why it is not, as the kubelet or the node controller has it, in one line; '' when it is, or nobody says. */
  readonly why: string;
  /** 'v1.20.2' */
  readonly kubeletVersion: string;
}

const MAX_WHY = 300;

/** undefined: it is no node. */
export function readinessOf(object: JsonObject): NodeReadiness | undefined {
  const name = textAt(object, 'metadata', 'name');
  if (name === undefined || name === '') return undefined;
  const condition = listAt(object, 'status', 'conditions').find((each) => textAt(each, 'type') === 'Ready');
  const isReady = textAt(condition, 'status') === 'True';
  const why = isReady ? '' : (textAt(condition, 'message') ?? textAt(condition, 'reason') ?? '');
  return {
    name: printable(name),
    isReady,
    why: printable(why.slice(0, MAX_WHY)),
    kubeletVersion: textAt(object, 'status', 'nodeInfo', 'kubeletVersion') ?? '',
  };
}

/**
 * What is still missing, a piece of a sentence for each node.
 * @param expected  names of nodes that have to be there
 * @returns nothing when all of them are there, and all that are there are Ready
 */
export function unreadyNodes(nodes: readonly NodeReadiness[], expected: readonly string[] = []): string[] {
  const absent = expected.filter((name) => !nodes.some((node) => node.name === name));
  return [
    ...nodes
      .filter(({ isReady }) => !isReady)
      .map(({ name, why }) => `${name} is not Ready${why === '' ? '' : `: ${why}`}`),
    ...absent.map((name) => `${name} has not joined`),
  ];
}
