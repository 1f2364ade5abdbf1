/** Reads for one request: what its resolvers ask for in one turn is one statement. */
import DataLoader from 'dataloader';
import type { Context } from '../context.ts';
import { keysOf } from '../input.ts';
import { connectionOf, type Connection, type PageRequest } from '../page.ts';
import type { CommentRow, ContentStorage, Listed, PostRow } from './storage.ts';

type PageLoader<Row> = DataLoader<string, Connection<Row>>;
type PageRead<Row> = (keys: readonly number[]) => Promise<readonly Listed<Row>[]>;

export class ContentLoaders {
  readonly posts: DataLoader<string, PostRow | null>;
  readonly comments: DataLoader<string, CommentRow | null>;
  readonly #storage: ContentStorage;
  readonly #context: Context;
  readonly #postsOf = new Map<string, PageLoader<PostRow>>();
  readonly #commentsOn = new Map<string, PageLoader<CommentRow>>();

  constructor(storage: ContentStorage, context: Context) {
    this.#storage = storage;
    this.#context = context;
    this.posts = this.#byId((keys) => storage.postsByKeys(keys));
    this.comments = this.#byId((keys) => storage.commentsByKeys(keys));
  }

  async postsOf(authorId: string, page: PageRequest): Promise<Connection<PostRow>> {
    const read: PageRead<PostRow> = (keys) => this.#storage.postsOf(keys, page);
    const connection = await this.#ofPage(this.#postsOf, page, read).load(authorId);
    this.#context.count(connection.edges);
    return connection;
  }

  async commentsOn(postId: string, page: PageRequest): Promise<Connection<CommentRow>> {
    const read: PageRead<CommentRow> = (keys) => this.#storage.commentsOn(keys, page);
    const connection = await this.#ofPage(this.#commentsOn, page, read).load(postId);
    this.#context.count(connection.edges);
    return connection;
  }

  #byId<Row extends { readonly id: string }>(
    read: (keys: readonly number[]) => Promise<readonly Row[]>,
  ): DataLoader<string, Row | null> {
    return new DataLoader(async (ids) => {
      const rows = await read(keysOf(ids));
      const byId = new Map(rows.map((row) => [row.id, row]));
      return ids.map((id) => byId.get(id) ?? null);
    });
  }

  /** One loader for each page that is asked for: the same page of many lists is one statement. */
  #ofPage<Row extends { readonly id: string }>(
    loaders: Map<string, PageLoader<Row>>,
    page: PageRequest,
    read: PageRead<Row>,
  ): PageLoader<Row> {
    const name = `${page.limit} ${page.after}`;
    const known = loaders.get(name);
    if (known !== undefined) return known;
    const loader: PageLoader<Row> = new DataLoader(async (ids) => {
      const rows = await read(keysOf(ids));
      const byParent = Map.groupBy(rows, ({ parentId }) => parentId);
      return ids.map((id) => connectionOf<Row>(byParent.get(id) ?? [], page));
    });
    loaders.set(name, loader);
    return loader;
  }
}
