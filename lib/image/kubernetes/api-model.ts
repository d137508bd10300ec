/**
 * pkg/generated/openapi of Kubernetes' source: the description of its API's types, which upstream generates in each build and Debian's
 * source package does not have either.
 */
import { copyFile, mkdir, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Progress } from '../../base/build-cache.js';
import { TalosError } from '../../base/errors.js';
import { runCommand } from '../run-command.js';
import type { GoTree } from './go-tree.js';

/** What it is generated with. */
export interface ApiModel {
  readonly tree: GoTree;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly onProgress: Progress;
}

const PROJECT = 'k8s.io/kubernetes';
const GENERATOR = 'vendor/k8s.io/kube-openapi/cmd/openapi-gen';
/** What asks for a description, in a comment of its own at the beginning of a line. */
const MARK = /^\/\/ *\+k8s:openapi-gen=/m;
/** Published parts of the tree; the build finds them as vendored packages. */
const STAGING = path.join('staging', 'src');
/** Have descriptions of their own, which no program of ours contains. */
const LEFT_OUT = ['k8s.io/code-generator', 'k8s.io/sample-apiserver'];
const FILE_NAME = 'zz_generated.openapi';

/** Writes {@link FILE_NAME}.go into `folder`. @throws TalosError ERR_TOOL */
export async function generateApiModel({ tree, environment, onProgress }: ApiModel, folder: string): Promise<void> {
  onProgress("compiling the generator of the API's description");
  const generator = path.join(tree.gopath, 'bin', 'openapi-gen');
  await mkdir(path.dirname(generator), { recursive: true });
  const go = path.join(tree.goroot, 'bin', 'go');
  const options = { cwd: tree.source, env: environment };
  await runCommand(['nice', go, 'build', '-trimpath', '-buildvcs=false', '-o', generator, `./${GENERATOR}`], options);
  onProgress("generating the API's description");
  const packages = await markedPackages(tree.source);
  if (packages.length === 0) throw new TalosError('ERR_TOOL', `${tree.source} has no types with a description`);
  const made = path.join(tree.gopath, 'api-model');
  await runCommand(
    [
      'nice',
      generator,
      '--logtostderr',
      ...['--input-dirs', packages.map((name) => `${PROJECT}/${name}`).join(',')],
      ...['--output-base', made],
      ...['--output-package', `${PROJECT}/pkg/generated/openapi`],
      ...['--output-file-base', FILE_NAME],
      ...['--go-header-file', path.join(tree.source, 'vendor/k8s.io/code-generator/hack/boilerplate.go.txt')],
      // Deviations from API rules are upstream's business; where they would be listed:
      ...['--report-filename', path.join(made, 'violations')],
    ],
    options,
  );
  const file = path.join(made, PROJECT, 'pkg', 'generated', 'openapi', `${FILE_NAME}.go`);
  await copyFile(file, path.join(folder, `${FILE_NAME}.go`));
}

/**
 * The packages with types that ask for a description.
 * @param source  the tree
 * @returns import paths relative to the project, sorted
 */
export async function markedPackages(source: string): Promise<string[]> {
  const found = new Set<string>();
  for (const top of ['pkg', STAGING]) {
    for (const file of await goFiles(source, top)) {
      if (!MARK.test(await readFile(path.join(source, file), 'utf8'))) continue;
      const name = path.dirname(file);
      const isStaged = name.startsWith(`${STAGING}/`);
      const published = isStaged ? name.slice(STAGING.length + 1) : undefined;
      if (published !== undefined && LEFT_OUT.some((each) => published.startsWith(`${each}/`))) continue;
      found.add(published === undefined ? name : `vendor/${published}`);
    }
  }
  return [...found].sort();
}

async function goFiles(source: string, top: string): Promise<string[]> {
  const entries = await readdir(path.join(source, top), { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.go'))
    .map((entry) => path.relative(source, path.join(entry.parentPath, entry.name)));
}
