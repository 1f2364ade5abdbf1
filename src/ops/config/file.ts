/** The configuration file: found in the working directory, or named. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { extname, isAbsolute, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parse as parseYaml } from 'yaml';
import { makeFault, showValue, type ConfigFault } from '../../gateway/config/config-faults.ts';
import type { Layer } from './layer.ts';

export const FILE_NAMES = ['ts', 'js', 'mjs', 'json', 'yaml', 'yml']
  .map((extension) => `freshet.config.${extension}`);

/** More is a file that was named by mistake. */
const FILE_BYTES_MAX = 4 * 1024 * 1024;

export type FileLayer =
  | { readonly layer: Layer | undefined; readonly fault?: never }
  | { readonly layer?: never; readonly fault: ConfigFault };

/** Reads `named`, or the one file of a known name in `directory`, if there is one. */
export async function readConfigFile(
  directory: string,
  named: string | undefined,
): Promise<FileLayer> {
  const found = named === undefined
    ? FILE_NAMES.filter((name) => existsSync(resolve(directory, name)))
    : [named];
  const [name] = found;
  if (name === undefined) return { layer: undefined };
  if (found.length > 1) {
    return { fault: fileFault('one configuration file', found.join(' and '), directory) };
  }
  const path = resolve(directory, name);
  const source = nameOf(path, directory);
  try {
    const values = await load(path);
    if (typeof values === 'object' && values !== null && !Array.isArray(values)) {
      return { layer: { values: values as Record<string, unknown>, sourceOf: () => source } };
    }
    const got = showValue(values ?? undefined, { secret: false });
    return { fault: fileFault('an object with options', got, source) };
  } catch (error) {
    return { fault: fileFault('a file that can be read', reasonOf(error), source) };
  }
}

function load(path: string): Promise<unknown> {
  const extension = extname(path);
  if (['.ts', '.mts', '.js', '.mjs'].includes(extension)) return loadModule(path);
  if (extension === '.json') return loadText(path, (text) => JSON.parse(text) as unknown);
  return loadText(path, (text) => parseYaml(text) as unknown);
}

async function loadText(path: string, parse: (text: string) => unknown): Promise<unknown> {
  const text = await readFile(path, 'utf8');
  if (text.length > FILE_BYTES_MAX) throw new Error(`it is larger than ${FILE_BYTES_MAX} bytes`);
  return parse(text);
}

async function loadModule(path: string): Promise<unknown> {
  const module = await import(pathToFileURL(path).href) as { default?: unknown };
  return module.default;
}

function nameOf(path: string, directory: string): string {
  const name = relative(directory, path);
  return name.startsWith('..') || isAbsolute(name) ? path : name;
}

function fileFault(required: string, got: string, source: string): ConfigFault {
  return makeFault(['file'], { required, got, source });
}

/** The first line: parsers go on with a picture of the place, which may hold a secret. */
function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return 'no such file';
  const [line = ''] = (message ?? String(error)).split('\n');
  // V8 quotes the text around a fault of JSON.
  return line.replace(/,? ?(\.\.\.)?".*$/, '').replace(/:$/, '');
}
