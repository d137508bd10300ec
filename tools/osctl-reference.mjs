#!/usr/bin/env node
// Writes docs/osctl-reference.md from osctl's commands. Needs the code compiled (npm run build, or tsc alone).
//
//   node tools/osctl-reference.mjs           writes it
//   node tools/osctl-reference.mjs --check   fails when it is not what the commands say
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { out, root } from './lib/paths.mjs';

const load = (file) => import(pathToFileURL(path.join(out, 'js', 'lib', 'osctl', file)).href);
const [{ createProgram }, { clusterCommand }, { commandReference }] = await Promise.all(
  ['program.js', 'commands/cluster/index.js', 'reference.js'].map(load),
);
const io = { stdout: process.stdout, stderr: process.stderr, env: {} };
const text = commandReference(createProgram(io, clusterCommand(io)));
const file = path.join(root, 'docs', 'osctl-reference.md');
if (process.argv[2] !== '--check') writeFileSync(file, text);
else if (readFileSync(file, 'utf8') !== text) {
  console.error('docs/osctl-reference.md is not what the commands say; run: node tools/osctl-reference.mjs');
  process.exit(1);
}
