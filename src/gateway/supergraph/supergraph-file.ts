/**
 * A supergraph in a file. The file is looked at every second by its size and times, which works on
 * every file system and for files that are replaced, as Kubernetes does with a ConfigMap.
 */
import { readFile, stat } from 'node:fs/promises';
import {
  systemClock, systemRandom, type Clock, type Millis, type Random,
} from '../../invalidation/clock.ts';
import { fault } from '../../invalidation/errors.ts';
import { pollSupergraph } from './supergraph-poll.ts';
import {
  parseSupergraph, type OnFailure, type Supergraph, type SupergraphSource,
} from './supergraph.ts';

export interface FileSupergraphOptions {
  readonly path: string;
  /** Default 1,000 ms. */
  readonly pollMs?: Millis;
  readonly clock?: Clock;
  readonly random?: Random;
}

export class FileSupergraph implements SupergraphSource {
  readonly description: string;
  readonly #options: FileSupergraphOptions;
  /** Of the file as it was read last, whether or not it could be understood. */
  #fingerprint: string | undefined;
  #hash: string | undefined;

  constructor(options: FileSupergraphOptions) {
    this.#options = options;
    this.description = options.path;
  }

  async load(): Promise<Supergraph> {
    const { path } = this.#options;
    try {
      // Taken before the file is read: a change in between shows at the next look.
      this.#fingerprint = await fingerprintOf(path);
      const supergraph = parseSupergraph(await readFile(path, 'utf8'));
      this.#hash = supergraph.hash;
      return supergraph;
    } catch (cause) {
      throw fault('SUPERGRAPH_UNAVAILABLE', { source: path, reason: reasonOf(cause), cause });
    }
  }

  watch(onChange: (supergraph: Supergraph) => void, onFailure?: OnFailure): () => void {
    const { pollMs = 1_000, clock = systemClock, random = systemRandom } = this.#options;
    const look = (): Promise<Supergraph | undefined> => this.#look();
    return pollSupergraph({ everyMs: pollMs, clock, random, look, onChange, onFailure });
  }

  async #look(): Promise<Supergraph | undefined> {
    const { path } = this.#options;
    const fingerprint = await fingerprintOf(path).catch(() => undefined);
    if (fingerprint !== undefined && fingerprint === this.#fingerprint) return undefined;
    const known = this.#hash;
    const supergraph = await this.load();
    return supergraph.hash === known ? undefined : supergraph;
  }
}

async function fingerprintOf(path: string): Promise<string> {
  const { mtimeNs, ctimeNs, size, ino } = await stat(path, { bigint: true });
  return [mtimeNs, ctimeNs, size, ino].join(' ');
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code === undefined
    ? `an SDL was required, got: ${message}`
    : `a readable file was required, got ${code}`;
}
