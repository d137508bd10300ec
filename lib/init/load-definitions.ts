import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorMessage } from '../base/errors.js';
import { parseDefinition, type ServiceDefinition } from './definition.js';

export interface LoadedDefinitions {
  /** In starting order: by `order`, then by id. */
  definitions: ServiceDefinition[];
  /** One sentence for each definition that was left out. */
  problems: string[];
}

/**
 * Reads every `*.json` of the folder. One that is broken, or that depends on one that is not there, is left out and named: the rest
 * of the node still comes up.
 * @throws ENOENT and the like, when there is no folder to read
 */
export async function loadDefinitions(folder: string): Promise<LoadedDefinitions> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.json')).sort();
  const problems: string[] = [];
  const read = await Promise.all(
    files.map(async (file) => {
      try {
        return parseDefinition(file.slice(0, -'.json'.length), await readFile(join(folder, file), 'utf8'));
      } catch (error) {
        problems.push(errorMessage(error));
        return undefined;
      }
    }),
  );
  const definitions = read.filter((definition) => definition !== undefined);
  return { definitions: inOrder(withoutBrokenDependencies(definitions, problems)), problems };
}

function inOrder(definitions: ServiceDefinition[]): ServiceDefinition[] {
  return definitions.sort((a, b) => a.order - b.order || (a.id < b.id ? -1 : 1));
}

/**
 * Keeps what can start: a definition stays once all that it depends on stays. What is left over at the end depends on
 * something unknown, on something left out, or (a cycle) on itself.
 */
function withoutBrokenDependencies(definitions: ServiceDefinition[], problems: string[]): ServiceDefinition[] {
  const kept = new Map<string, ServiceDefinition>();
  let left = definitions;
  for (;;) {
    const ready = left.filter((definition) => definition.dependsOn.every((id) => kept.has(id)));
    if (ready.length === 0) break;
    for (const definition of ready) kept.set(definition.id, definition);
    left = left.filter((definition) => !kept.has(definition.id));
  }
  for (const { id, dependsOn } of left) {
    const missing = dependsOn.filter((dependency) => !kept.has(dependency));
    problems.push(`service ${id}: dependsOn names what cannot start (${missing.join(', ')})`);
  }
  return [...kept.values()];
}
