// SPDX-License-Identifier: Apache-2.0
// Bundles the page into OUT: one entry for what a worker needs at once, a file for each group of
// other screens, the service worker, and a list of all files with their hashes.
//   node build.mjs [OUT]          OUT defaults to dist
import {createRequire} from 'node:module';
import {createHash} from 'node:crypto';
import {cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';

// Packages may lie elsewhere: a build keeps its source folder clean.
const nodePaths = process.env.NODE_PATH ? [process.env.NODE_PATH] : [];
const {build} = createRequire(process.env.NODE_PATH ? `${process.env.NODE_PATH}/` : import.meta.url)('esbuild');
const here = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2] ?? join(here, 'dist');
rmSync(out, {recursive: true, force: true});
mkdirSync(join(out, 'assets'), {recursive: true});

const result = await build({
  absWorkingDir: here,
  nodePaths,
  entryPoints: {app: 'src/main.tsx'},
  outdir: join(out, 'assets'),
  bundle: true,
  splitting: true,
  format: 'esm',
  target: ['es2021', 'safari15', 'chrome100', 'firefox100'],
  minify: true,
  metafile: true,
  legalComments: 'none',
  entryNames: '[name]-[hash]',
  chunkNames: '[name]-[hash]',
  assetNames: '[name]-[hash]',
  loader: {'.png': 'file', '.svg': 'text'},
  jsx: 'automatic',
  jsxImportSource: 'preact',
});

const entry = Object.entries(result.metafile.outputs).find(([, o]) => o.entryPoint === 'src/main.tsx');
const base = (path) => path.split('/').pop();
const html = readFileSync(join(here, 'src/index.html'), 'utf8')
  .replace('%SCRIPT%', `assets/${base(entry[0])}`)
  .replace('%STYLE%', `assets/${base(entry[1].cssBundle)}`);
writeFileSync(join(out, 'index.html'), html);
cpSync(join(here, 'static'), out, {recursive: true});

// The service worker keeps exactly these files; its version is their content.
const assets = readdirSync(join(out, 'assets')).sort().map((name) => `assets/${name}`);
const version = createHash('sha256');
for (const file of ['index.html', ...assets]) version.update(readFileSync(join(out, file)));
const list = JSON.stringify(['', 'manifest.webmanifest', 'icon.svg', ...assets]);
await build({
  absWorkingDir: here,
  nodePaths,
  entryPoints: ['src/offline/service-worker.ts'],
  outfile: join(out, 'service-worker.js'),
  bundle: true,
  minify: true,
  target: ['es2021'],
  define: {FILES: list, VERSION: JSON.stringify(version.digest('hex').slice(0, 12))},
});
