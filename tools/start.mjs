// npm start [-- --arch A] [--kubernetes VERSION]: installs what is missing, builds, boots one node, with Kubernetes if that is wanted, and shows how to
// go on. See docs/adr/0002.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { parseArchitecture } from './lib/architectures.mjs';
import { buildAll } from './lib/build.mjs';
import { runMain, StepFailure } from './lib/failure.mjs';
import { findCluster, osctlPath, startCluster } from './lib/osctl.mjs';
import { step } from './lib/progress.mjs';
import { logFileOf, run } from './lib/run.mjs';

const oldestNode = 20;

const next = `
What to type next:
  bin/osctl service                 the node's services
  bin/osctl logs osd -f             the log of one of them (Ctrl-C ends it)
  bin/osctl dmesg --tail 20         the kernel's log
  bin/osctl reboot                  reboot the node; bin/osctl version answers again some seconds later
  bin/osctl cluster show            the node's QEMU process, console log and boot times
  npm stop                          remove the node
`;

/** What is passed on to `osctl cluster create`, which knows what makes sense. */
const kubernetesOptions = ['kubernetes', 'kubernetes-source', 'kubernetes-directory'];

/**
 * Boots the node, unless it runs already. A node whose QEMU has ended is replaced.
 * @param {string} arch
 * @param {Record<string, string | undefined>} values of kubernetesOptions
 */
async function ensureNode(arch, values) {
  const existing = await findCluster();
  if (existing?.nodes.some((node) => node.state === 'running')) {
    const [has, wanted] = [existing.kubernetes?.version, values.kubernetes];
    if (wanted !== undefined && has !== wanted) {
      const what = has === undefined ? 'it has no Kubernetes' : `it has Kubernetes ${has}`;
      throw new StepFailure('Node', `the node ${existing.nodes[0].name} is running, and ${what}`, {
        hint: 'npm stop removes it; then run this again',
      });
    }
    if (existing.arch !== arch) {
      throw new StepFailure('Node', `the node ${existing.nodes[0].name} is running, and it is ${existing.arch}`, {
        hint: 'npm stop removes it; then run this again',
      });
    }
    process.stdout.write(`\nThe node ${existing.nodes[0].name} is running already (npm stop removes it).\n`);
    return;
  }
  if (existing) {
    await run('Node', [process.execPath, osctlPath, 'cluster', 'destroy', '--name', startCluster]);
    process.stdout.write('The node of last time had been switched off; it is replaced by a new one.\n');
  }
  await step('Node', async (progress) => {
    const words = ['cluster', 'create', '--name', startCluster, '--arch', arch];
    for (const name of kubernetesOptions) if (values[name] !== undefined) words.push(`--${name}`, values[name]);
    await run('Node', [process.execPath, osctlPath, ...words], {
      onLine: (line) => progress.update(line),
      hint: 'read the end of the console above; then run npm start again',
    });
  });
  // Everything but the progress: `API ready in N s` and the phases.
  const said = readFileSync(logFileOf('Node'), 'utf8');
  process.stdout.write(`\n${said.slice(Math.max(0, said.indexOf('API ready in')))}`);
}

/** Shows a command and what it prints. */
function show(...words) {
  process.stdout.write(`\n$ bin/osctl ${words.join(' ')}\n`);
  const { status } = spawnSync(process.execPath, [osctlPath, ...words], { stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) {
    throw new StepFailure('Node', `osctl ${words.join(' ')} failed with exit code ${status}`, {
      hint: 'npm stop removes the node; npm start makes a new one',
    });
  }
}

await runMain(async () => {
  if (Number(process.versions.node.split('.')[0]) < oldestNode) {
    throw new StepFailure('Node.js', `this is Node.js ${process.versions.node}`, {
      hint: `use Node.js ${oldestNode} or later`,
    });
  }
  const { values } = parseArgs({
    options: {
      arch: { type: 'string' },
      ...Object.fromEntries(kubernetesOptions.map((name) => [name, { type: 'string' }])),
    },
  });
  const arch = parseArchitecture(values.arch);
  await buildAll({ architectures: [arch] });
  await ensureNode(arch, values);
  show('version');
  show('ps');
  process.stdout.write(next);
});
