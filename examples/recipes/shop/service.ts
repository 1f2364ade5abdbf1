/** The shop's service: each mutation commits, says what is stale, and answers. */
import { keys } from 'freshet-gateway/invalidation';
import {
  startSubgraph, type RecipeOptions, type RecipeService, type Telling,
} from '../subgraph.ts';

interface Product {
  readonly id: string;
  readonly name: string;
  cents: number;
  categoryId: string;
  readonly stock: Map<string, number>;
}

export function startShop(options: RecipeOptions): Promise<RecipeService> {
  const products = new Map([
    product({ id: '1', name: 'Lamp', cents: 1900, categoryId: 'light' }),
    product({ id: '2', name: 'Candle', cents: 300, categoryId: 'light' }),
    product({ id: '3', name: 'Chair', cents: 8900, categoryId: 'seats' }),
  ].map((one) => [one.id, one]));
  const categories = new Map([
    ['light', { id: 'light', name: 'Light' }], ['seats', { id: 'seats', name: 'Seats' }],
  ]);
  /** By the token of the caller. */
  const carts = new Map([
    ['Bearer ada', [{ id: '1', count: 2 }]], ['Bearer bea', [{ id: '3', count: 1 }]],
  ]);

  const byId = ({ id }: { id: string }): Product | null => products.get(id) ?? null;
  const resolvers = {
    Query: {
      product: (_: unknown, key: { id: string }) => byId(key),
      category: (_: unknown, { id }: { id: string }) => categories.get(id),
      cart(_: unknown, __: unknown, { request }: { request: Request }) {
        const items = (carts.get(request.headers.get('authorization') ?? '') ?? [])
          .flatMap(({ id, count }) => products.has(id) ? [{ product: byId({ id }), count }] : []);
        const cents = items.reduce((sum, one) => sum + (one.product?.cents ?? 0) * one.count, 0);
        return { items, cents };
      },
    },
    Product: {
      category: ({ categoryId }: Product) => categories.get(categoryId),
      stock: ({ stock }: Product, { warehouse }: { warehouse: string }) => stock.get(warehouse),
    },
    Category: {
      products: ({ id }: { id: string }) =>
        [...products.values()].filter(({ categoryId }) => categoryId === id),
    },
    Mutation: {
      async setPrice(_: unknown, args: { product: string; cents: number }, { stale }: Telling) {
        const changed = byId({ id: args.product });
        if (changed === null) return null;
        changed.cents = args.cents;
        await stale([keys.of('Product', changed.id)]);
        return changed;
      },
      async setStock(_: unknown, args: StockChange, { stale }: Telling) {
        const changed = byId({ id: args.product });
        if (changed === null) return null;
        changed.stock.set(args.warehouse, args.count);
        await stale([keys.of('Product', changed.id, 'stock', args.warehouse)]);
        return changed;
      },
      async moveProduct(_: unknown, args: { product: string; to: string }, { stale }: Telling) {
        const changed = byId({ id: args.product });
        const to = categories.get(args.to);
        if (changed === null || to === undefined) return null;
        const from = categories.get(changed.categoryId);
        const before = changed.categoryId;
        changed.categoryId = to.id;
        await stale([
          keys.of('Product', changed.id, 'category'),
          keys.of('Category', before, 'products'),
          keys.of('Category', to.id, 'products'),
        ]);
        return { product: changed, from, to };
      },
    },
  };
  const find = { Product: byId, Category: ({ id }: { id: string }) => categories.get(id) ?? null };
  const schema = new URL('schema.graphql', import.meta.url);
  return startSubgraph({ source: 'shop', schema, resolvers, find }, options);
}

interface StockChange {
  readonly product: string;
  readonly warehouse: string;
  readonly count: number;
}

function product(part: Omit<Product, 'stock'>): Product {
  return { ...part, stock: new Map([['berlin', 10], ['lyon', 4]]) };
}
