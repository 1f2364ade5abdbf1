/** The message that services exchange on the channel (DESIGN, section 4). */

/** A well-known type by its name, or any other: `{ Custom: 'session' }`. */
export type EntityType =
  | 'User' | 'Post' | 'Comment' | 'Notification' | 'Feed'
  | { readonly Custom: string };

export type Action = 'Delete' | 'Update' | 'Batch' | 'Pattern';

/** Additions of ours and of anyone else's; unknown members are kept as they are. */
export interface Metadata {
  readonly [name: string]: unknown;
  /** Where the message stands in the log, in wire form; absent from a foreign publisher. */
  readonly position?: string;
  /** The entity is new: its collection is purged as well. */
  readonly created?: boolean;
  /** A fill whose entity shows a lower version is not stored. */
  readonly version?: number;
  /** More tags or patterns that this invalidation purges. */
  readonly cascade?: readonly string[];
  readonly soft?: boolean;
  readonly actor?: string;
  readonly reason?: string;
  readonly request_id?: string;
}

/** All nine fields are always written, absent ones as null, so that every reader accepts them. */
export interface InvalidationMessage {
  readonly message_id: string;
  readonly entity_type: EntityType;
  readonly entity_id: string | null;
  readonly pattern: string | null;
  /** Full cache keys; with `Batch` only. */
  readonly entity_ids: readonly string[] | null;
  readonly action: Action;
  /** RFC 3339. */
  readonly timestamp: string;
  readonly source_service: string;
  readonly metadata: Metadata | null;
}
