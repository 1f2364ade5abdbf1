/** What workers and their primary send each other over the channel between processes. */

/** As the primary counts them; never used again. */
export type WorkerId = number;

export type FromWorker =
  /** From here on it reads what it is sent. */
  | { readonly kind: 'hello' }
  /** To all others; each replies. */
  | { readonly kind: 'ask'; readonly id: number; readonly topic: string; readonly body: unknown }
  | { readonly kind: 'reply'; readonly to: WorkerId; readonly id: number; readonly body: unknown }
  /** To all others; nobody replies. */
  | { readonly kind: 'tell'; readonly topic: string; readonly body: unknown }
  /** It is listening. */
  | { readonly kind: 'ready'; readonly body: unknown };

export type ToWorker =
  | {
    readonly kind: 'asked';
    readonly from: WorkerId;
    readonly id: number;
    readonly topic: string;
    readonly body: unknown;
  }
  /** What others replied, as it comes; with `isAll` nothing more does. */
  | {
    readonly kind: 'replies';
    readonly id: number;
    readonly bodies: readonly unknown[];
    readonly isAll: boolean;
  }
  | {
    readonly kind: 'told';
    readonly from: WorkerId;
    readonly topic: string;
    readonly body: unknown;
  }
  /** That worker has ended: nothing more comes of it. */
  | { readonly kind: 'gone'; readonly from: WorkerId };
