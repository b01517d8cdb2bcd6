// SPDX-License-Identifier: MIT
// Makes the files of the chat page: node bundle.mjs OUT. What is in OUT afterwards is the page, nothing else.
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const web = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2];
if (!out) throw new Error('usage: node bundle.mjs OUT');

// Every browser that runs this page reads woff2; the two older formats would only make the program larger.
const oneFontFormat = {
  name: 'one-font-format',
  setup(build) {
    build.onLoad({ filter: /katex\.css$/ }, ({ path }) => ({
      contents: readFileSync(path, 'utf8').replace(/,\s*url\([^)]*\.(?:woff|ttf)\) format\("[^"]*"\)/g, ''),
      loader: 'css',
    }));
  },
};

const shared = { bundle: true, minify: true, charset: 'utf8', legalComments: 'none', target: ['chrome123', 'firefox121', 'safari17.5'], logLevel: 'warning' };

function pathsBelow(folder, prefix = '') {
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => entry.isDirectory() ? pathsBelow(join(folder, entry.name), `${prefix}${entry.name}/`) : [`${prefix}${entry.name}`])
    .sort();
}

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
await build({ ...shared, entryPoints: { page: join(web, 'src/main.ts') }, outdir: out, format: 'esm' });
await build({
  ...shared, entryPoints: { page: join(web, 'style/page.css') }, outdir: out, plugins: [oneFontFormat], external: ['/icon.svg'],
  loader: { '.woff2': 'file' }, assetNames: 'fonts/[name]',
});
for (const name of ['index.html', 'icon.svg']) copyFileSync(join(web, name), join(out, name));

const paths = pathsBelow(out);
const digest = createHash('sha256');
for (const path of paths) digest.update(path).update(readFileSync(join(out, path)));
await build({
  ...shared, entryPoints: { worker: join(web, 'src/worker.ts') }, outdir: out, format: 'iife',
  define: {
    PAGE_PATHS: JSON.stringify(paths.map((path) => path === 'index.html' ? '/' : `/${path}`)),
    PAGE_DIGEST: JSON.stringify(digest.digest('hex').slice(0, 16)),
  },
});

// The licences of what is inside travel with it.
const licences = ['dompurify', 'highlight.js', 'katex', 'marked'].map((name) => {
  const folder = join(web, 'node_modules', name);
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return `${name} ${version}\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n`;
});
writeFileSync(join(out, 'licences.txt'), licences.join(`\n${'-'.repeat(80)}\n\n`));
