/** What `osctl inject …` does, apart from its definition. */
import { type Document, isMap, isSeq, parseAllDocuments } from 'yaml';
import { TalosError } from '../base/errors.js';
import { replacePrivateFile } from '../base/private-file.js';
import { readText } from '../base/read-file.js';
import { readDocuments } from '../config/document.js';
import { ConfigError } from '../config/problem.js';
import { authorityProblem } from '../pki/index.js';
import type { Io } from './io.js';

const PLACES = { os: ['machine', 'ca'], kubernetes: ['cluster', 'ca'] } as const;
const ACCEPTED = ['machine', 'acceptedCAs'] as const;

/** Changes the one field; comments and the way it is written stay. */
export async function inject(
  io: Io,
  what: 'os' | 'kubernetes' | 'identity',
  file: string,
  flags: { crt: string; key?: string },
): Promise<void> {
  const crt = await readText(flags.crt);
  const key = flags.key === undefined ? '' : await readText(flags.key);
  const problem = authorityProblem({ crt, key });
  if (problem !== undefined) {
    throw new TalosError(
      'ERR_PKI_CERTIFICATE',
      `${problem.field === 'crt' ? flags.crt : flags.key}: ${problem.message}`,
    );
  }
  const documents = await read(file);
  const main = documents.find((document) => isMap(document.contents) && !document.has('kind')) ?? documents[0];
  if (main === undefined || !isMap(main.contents))
    throw new TalosError('ERR_CONFIG_INVALID', `${file} is no machine config`);
  const path = what === 'identity' ? ACCEPTED : PLACES[what];
  if (what === 'identity') accept(main, base64(crt), file);
  else setPair(main, PLACES[what], { crt: base64(crt), key: base64(key) });
  await replacePrivateFile(file, documents.map((document) => document.toString({ lineWidth: 0 })).join(''));
  io.stderr.write(`${file}: ${path.join('.')} is set\n`);
}

async function read(file: string): Promise<Document[]> {
  const text = await readText(file);
  const { problems } = readDocuments(text);
  if (problems.length > 0) throw new ConfigError(problems, file);
  const documents = parseAllDocuments(text, { keepSourceTokens: true });
  return Array.isArray(documents) ? documents : [];
}

function setPair(document: Document, path: readonly string[], pair: { crt: string; key: string }): void {
  const existing = document.getIn(path);
  if (!isMap(existing)) document.setIn(path, document.createNode(pair));
  else for (const [name, value] of Object.entries(pair)) existing.set(name, value);
}

/** The same authority again changes nothing. */
function accept(document: Document, crt: string, file: string): void {
  const existing = document.getIn(ACCEPTED);
  if (existing === undefined || existing === null) document.setIn(ACCEPTED, document.createNode([{ crt }]));
  else if (!isSeq(existing)) throw new TalosError('ERR_CONFIG_INVALID', `${file}: ${ACCEPTED.join('.')} is no list`);
  else if (!existing.items.some((item) => isMap(item) && item.get('crt') === crt))
    existing.add(document.createNode({ crt }));
}

function base64(pem: string): string {
  return Buffer.from(pem).toString('base64');
}
