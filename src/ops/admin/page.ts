/**
 * The dashboard's page: the files that its build has made, and nothing else. It holds nothing
 * secret, so whoever reaches the listener may have it; what it shows, it asks for with a token.
 *
 * It promises: no path leads out of the folder, and the page may load nothing from elsewhere.
 */
import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { MiddlewareHandler } from 'hono';

/** Where the build puts it, in a clone and in the package alike. */
const BUILT = new URL('../dashboard/built/', import.meta.url);

/** Neither part begins with a dot, so it leads nowhere else. */
const FILE = /^(assets\/)?[\w-][\w.-]*$/;
/** Vite names such a file by its content. */
const HASHED = /^assets\/.*-[\w-]{8}\.\w+$/;

const MEDIA_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
};

const HEADERS = {
  'content-security-policy':
    "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};

const YEAR_SECONDS = 31_536_000;

const NOT_BUILT = `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Freshet</title>
<h1>The dashboard has not been built</h1>
<p>Run <code>npm run build:dashboard</code> in the folder of the project, and load this page again.
<p>What it would show is at <code>/admin/dashboard/figures</code>; all endpoints are described in
<code>/openapi.json</code>.
</html>
`;

/** `folder` ends with a slash. Default: where the build puts the page. */
export function servePage(folder: URL = BUILT): MiddlewareHandler {
  return async ({ req: { method, path } }, next) => {
    if (method !== 'GET' && method !== 'HEAD') return next();
    if (path === '/') {
      const page = await read(new URL('index.html', folder));
      return respond(page ?? NOT_BUILT, { name: 'index.html', status: page ? 200 : 503 });
    }
    const name = path.slice(1);
    const isOfPage = FILE.test(name) && Object.hasOwn(MEDIA_TYPES, extname(name));
    const found = isOfPage ? await read(new URL(name, folder)) : undefined;
    // Whatever else has such a path is for those who come after.
    return found === undefined ? next() : respond(found, { name, status: 200 });
  };
}

async function read(file: URL): Promise<Buffer<ArrayBuffer> | undefined> {
  try {
    return await readFile(fileURLToPath(file));
  } catch {
    return undefined;
  }
}

function respond(
  body: Buffer<ArrayBuffer> | string,
  { name, status }: { name: string; status: number },
): Response {
  const isHashed = HASHED.test(name);
  return new Response(body, {
    status,
    headers: {
      ...HEADERS,
      'content-type': MEDIA_TYPES[extname(name)] ?? 'application/octet-stream',
      'cache-control': isHashed ? `public, max-age=${YEAR_SECONDS}, immutable` : 'no-cache',
    },
  });
}
