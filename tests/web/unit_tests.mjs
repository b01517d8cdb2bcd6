// SPDX-License-Identifier: MIT
// Bundles unit/*_test.ts for node and runs them with its own test runner.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { requireFromWeb, web } from './browser.mjs';

const { buildSync } = requireFromWeb('esbuild');
const unit = join(dirname(fileURLToPath(import.meta.url)), 'unit');
const tests = readdirSync(unit).filter((name) => name.endsWith('_test.ts')).map((name) => join(unit, name));
const out = mkdtempSync(join(tmpdir(), 'fathom-unit-'));
try {
  buildSync({
    entryPoints: tests, outdir: out, bundle: true, platform: 'node', format: 'esm', target: 'node18', outExtension: { '.js': '.mjs' },
    nodePaths: [join(web, 'node_modules')], logLevel: 'warning', sourcemap: 'inline',
  });
  const files = readdirSync(out).map((name) => join(out, name));
  process.exitCode = spawnSync(process.execPath, ['--enable-source-maps', '--test', ...files], { stdio: 'inherit' }).status ?? 1;
} finally {
  rmSync(out, { recursive: true, force: true });
}
