import type { CgroupLimits, ResourceLimit } from '../native/contract.js';
import { Fields, parseObject } from '../os/definition-fields.js';

export type RestartPolicy = 'always' | 'on-failure' | 'never';

/** What PID 1 knows about a service before it runs; the table in docs/architecture.md says what each field means. */
export interface ServiceDefinition {
  id: string;
  description: string;
  order: number;
  file: string;
  argv: string[];
  env: Record<string, string>;
  uid: number;
  gid: number;
  /** Absent: the capabilities of PID 1. */
  capabilities?: string[];
  noNewPrivileges: boolean;
  rlimits: Record<string, ResourceLimit>;
  oomScoreAdj: number;
  cgroup: CgroupLimits;
  /** Path of its cgroup where that is not `system/<id>`; its parent is one of the tree's fixed groups. */
  group?: string;
  restart: RestartPolicy;
  start: 'boot' | 'volumes' | 'manual';
  stopTimeoutMs: number;
  dependsOn: string[];
  control: boolean;
  /** It has /run/<id> for itself. */
  runtimeFolder: boolean;
  /** Whoever looks after it says at run time what comes behind `argv`; it is not started before. */
  furtherArguments: boolean;
}

/** The id of PID 1 itself in the API: its log has it. */
export const INIT_ID = 'init';

const ID = /^[a-z0-9][a-z0-9-]{0,31}$/;
const GROUP = /^podruntime\/[a-z][a-z0-9-]{0,31}$/;
const CAPABILITY = /^CAP_[A-Z_]+$/;

/**
 * Reads one definition. Everything is checked: PID 1 must not find out at spawn time.
 * @param name  the file's name without `.json`, which must be the id
 * @throws TalosError ERR_SERVICE_DEFINITION  naming the field
 */
export function parseDefinition(name: string, text: string): ServiceDefinition {
  const fields = new Fields(name, parseObject(name, text));
  const id = fields.string('id', ID);
  if (id !== name) throw fields.problem('id', `must be the file's name, "${name}"`);
  if (id === INIT_ID) throw fields.problem('id', 'is PID 1 itself');
  const file = fields.string('file', /^\/[^\0]*$/);
  const capabilities = fields.optional('capabilities', () => fields.strings('capabilities', CAPABILITY));
  const group = fields.optional('group', () => fields.string('group', GROUP));
  const definition: ServiceDefinition = {
    id,
    description: fields.optional('description', () => fields.string('description', /^[^\0\n]*$/)) ?? '',
    order: fields.integer('order', 0, 1000, 100),
    file,
    argv: fields.optional('argv', () => fields.strings('argv', /^[^\0]*$/)) ?? [file],
    env: fields.environment('env'),
    uid: fields.integer('uid', 0, 65_534, 0),
    gid: fields.integer('gid', 0, 65_534, 0),
    ...(capabilities && { capabilities }),
    noNewPrivileges: fields.boolean('noNewPrivileges', true),
    rlimits: fields.rlimits('rlimits'),
    oomScoreAdj: fields.integer('oomScoreAdj', -1000, 1000, 0),
    cgroup: fields.cgroup('cgroup'),
    ...(group !== undefined && { group }),
    restart: fields.choice('restart', ['always', 'on-failure', 'never'], 'always'),
    start: fields.choice('start', ['boot', 'volumes', 'manual'], 'boot'),
    stopTimeoutMs: fields.integer('stopTimeoutMs', 0, 120_000, 10_000),
    dependsOn: fields.optional('dependsOn', () => fields.strings('dependsOn', ID)) ?? [],
    control: fields.boolean('control', false),
    runtimeFolder: fields.boolean('runtimeFolder', false),
    furtherArguments: fields.boolean('furtherArguments', false),
  };
  if (definition.argv.length === 0) throw fields.problem('argv', 'is empty');
  fields.refuseOthers();
  return definition;
}
