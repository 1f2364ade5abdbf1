/**
 * Builds the page into `built/`, which the operators' listener serves: `node build.ts`. With
 * `--if-older` only where what is there is older than what it is made of, for `npm start`: then it
 * says nothing, and a machine without the tools, or a build that fails, is told of in one line and
 * keeps nobody from starting.
 */
import { cpSync, existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('.', import.meta.url));
const built = join(root, 'built');
const dependencies = fileURLToPath(new URL('../../../package-lock.json', import.meta.url));

const [, , option, target] = process.argv;
if (option === '--if-older') {
  if (isOlder()) await build('silent').catch(tell);
} else {
  await build('warn');
  if (option === '--into' && target !== undefined) cpSync(built, target, { recursive: true });
}

async function build(logLevel: 'silent' | 'warn'): Promise<void> {
  // Later, since it is a development dependency that need not be there.
  const { build: bundle } = await import('vite');
  await bundle({
    root,
    // Relative, so that a proxy may serve it below a path of its own.
    base: './',
    configFile: false,
    logLevel,
    build: {
      outDir: built,
      emptyOutDir: true,
      target: 'es2022',
      // What is inlined as data: would be refused by the Content-Security-Policy.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
    },
  });
}

function tell(error: unknown): void {
  const [line] = String(error instanceof Error ? error.message : error).split('\n');
  process.stderr.write(`The dashboard could not be built (npm run build:dashboard): ${line}\n`);
}

/** Than its sources, or than the packages that it is made of. */
function isOlder(): boolean {
  const index = join(built, 'index.html');
  if (!existsSync(index)) return true;
  const builtAt = statSync(index).mtimeMs;
  const sources = readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.startsWith(built))
    .map((entry) => join(entry.parentPath, entry.name));
  return [dependencies, ...sources].some((file) => statSync(file).mtimeMs > builtAt);
}
