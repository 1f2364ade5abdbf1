/**
 * The figures of the dashboard as they change, by server-sent events (HTML, section 9.2): one
 * snapshot a second for all who watch, and none where nobody does.
 *
 * It promises: a reader that is slow gets the latest snapshot and not those before, so that it
 * costs no more than one; and what goes wrong with one snapshot ends no stream.
 */
import { pause, type Clock, type Millis } from '../../invalidation/clock.ts';
import { fault } from '../../invalidation/errors.ts';

export interface LiveFiguresOptions {
  readonly clock: Clock;
  readonly take: () => Promise<object>;
  /** More are refused. Default 20. */
  readonly watchersMax?: number;
  /** Default 1,000 ms. */
  readonly everyMs?: Millis;
}

interface Watcher {
  /** What it has not been sent yet. */
  latest: string | undefined;
  wake: AbortController;
  isOver: boolean;
}

export class LiveFigures {
  readonly #options: LiveFiguresOptions;
  readonly #watchers = new Set<Watcher>();
  #isTaking = false;
  #isClosed = false;

  constructor(options: LiveFiguresOptions) {
    this.#options = options;
  }

  /**
   * Each snapshot, the first within a second, until the reader cancels or `close`.
   *
   * @throws WATCHERS_TOO_MANY, SHUTTING_DOWN
   */
  watch(): ReadableStream<Uint8Array> {
    const { watchersMax = 20, clock } = this.#options;
    if (this.#isClosed) throw fault('SHUTTING_DOWN');
    if (this.#watchers.size >= watchersMax) throw fault('WATCHERS_TOO_MANY', { max: watchersMax });
    const watcher: Watcher = { latest: undefined, wake: new AbortController(), isOver: false };
    this.#watchers.add(watcher);
    void this.#takeWhileWatched();
    const encoder = new TextEncoder();
    let isLeft = false;
    return new ReadableStream<Uint8Array>({
      async pull(controller) {
        while (watcher.latest === undefined && !watcher.isOver) {
          await pause(clock, HEARTBEAT_MS, watcher.wake.signal);
          if (!watcher.wake.signal.aborted) watcher.latest = ': alive\n\n';
        }
        const text = watcher.latest;
        watcher.latest = undefined;
        watcher.wake = new AbortController();
        if (text !== undefined) controller.enqueue(encoder.encode(text));
        else if (!isLeft) controller.close();
      },
      cancel: () => {
        isLeft = true;
        end(watcher);
        this.#watchers.delete(watcher);
      },
    }, { highWaterMark: 0 });
  }

  /** Ends all streams. */
  close(): void {
    this.#isClosed = true;
    for (const watcher of this.#watchers) end(watcher);
    this.#watchers.clear();
  }

  async #takeWhileWatched(): Promise<void> {
    if (this.#isTaking) return;
    this.#isTaking = true;
    const { clock, take, everyMs = 1_000 } = this.#options;
    while (this.#watchers.size > 0) {
      // A node that starts has none to show: the heartbeat tells that it lives.
      const figures = await take().catch(() => undefined);
      if (figures !== undefined) this.#show(`event: figures\ndata: ${JSON.stringify(figures)}\n\n`);
      await pause(clock, everyMs);
    }
    this.#isTaking = false;
  }

  #show(text: string): void {
    for (const watcher of this.#watchers) {
      watcher.latest = text;
      watcher.wake.abort();
    }
  }
}

/** Without a snapshot for so long there is a comment. */
const HEARTBEAT_MS: Millis = 10_000;

function end(watcher: Watcher): void {
  watcher.isOver = true;
  watcher.wake.abort();
}
