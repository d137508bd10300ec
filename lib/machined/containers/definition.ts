import { Fields, parseObject } from '../../os/definition-fields.js';

/** A service of the node that runs in a container; the table in docs/containers.md says what each field means. */
export interface ContainerDefinition {
  id: string;
  description: string;
  argv: string[];
  env: Record<string, string>;
  uid: number;
  gid: number;
  capabilities: string[];
  /** Paths of the root image, or of /sys, that it sees, read-only and at the same place. */
  binds: string[];
  memoryMaxBytes: number;
  /** Kept from reclaim, whatever others want. */
  memoryMinBytes: number;
  pidsMax: number;
  cpuWeight: number;
  oomScoreAdj: number;
  restart: 'always' | 'on-failure' | 'never';
  start: 'boot' | 'manual';
  stopTimeoutMs: number;
  /** The kind of nodes that it is for. */
  on: 'all' | 'controlplane';
  /** The network of the node, or one that leads nowhere. */
  network: 'node' | 'none';
  /** It has a control connection to init, as the container that it is. */
  control: boolean;
}

/** Whoever names no user shares this one with others. */
const NOBODY = 65_534;
const ID = /^[a-z0-9][a-z0-9-]{0,31}$/;
const CAPABILITY = /^CAP_[A-Z_]+$/;
/** Below /usr there is nothing that a container must not see. Of /sys, what there is of disks: links to where they are attached. */
const BIND = /^(\/usr(\/[A-Za-z0-9_][A-Za-z0-9_.+-]*)*|\/sys\/block|\/sys\/devices)$/;

/**
 * Reads one definition.
 * @param name  the file's name without `.json`, which must be the id
 * @throws TalosError ERR_SERVICE_DEFINITION  naming the field
 */
export function parseContainerDefinition(name: string, text: string): ContainerDefinition {
  const fields = new Fields(name, parseObject(name, text));
  const id = fields.string('id', ID);
  if (id !== name) throw fields.problem('id', `must be the file's name, "${name}"`);
  const definition: ContainerDefinition = {
    id,
    description: fields.optional('description', () => fields.string('description', /^[^\0\n]*$/)) ?? '',
    argv: fields.strings('argv', /^[^\0]*$/),
    env: fields.environment('env'),
    uid: fields.integer('uid', 1, NOBODY, NOBODY),
    gid: fields.integer('gid', 1, NOBODY, NOBODY),
    capabilities: fields.optional('capabilities', () => fields.strings('capabilities', CAPABILITY)) ?? [],
    binds: fields.optional('binds', () => fields.strings('binds', BIND)) ?? [],
    memoryMaxBytes: fields.integer('memoryMax', 1, Number.MAX_SAFE_INTEGER, 256 * 1024 * 1024),
    memoryMinBytes: fields.integer('memoryMin', 0, Number.MAX_SAFE_INTEGER, 0),
    pidsMax: fields.integer('pidsMax', 1, 4096, 64),
    cpuWeight: fields.integer('cpuWeight', 1, 10_000, 100),
    oomScoreAdj: fields.integer('oomScoreAdj', -998, 1000, 0),
    restart: fields.choice('restart', ['always', 'on-failure', 'never'], 'always'),
    start: fields.choice('start', ['boot', 'manual'], 'boot'),
    stopTimeoutMs: fields.integer('stopTimeoutMs', 0, 120_000, 10_000),
    on: fields.choice('on', ['all', 'controlplane'], 'all'),
    network: fields.choice('network', ['node', 'none'], 'node'),
    control: fields.boolean('control', false),
  };
  if (definition.argv.length === 0) throw fields.problem('argv', 'is empty');
  if (definition.memoryMinBytes > definition.memoryMaxBytes)
    throw fields.problem('memoryMin', 'is more than memoryMax');
  if (definition.control && definition.uid === NOBODY) throw fields.problem('control', 'needs a uid of its own');
  fields.refuseOthers();
  return definition;
}
