/** docs/recipes/shop.md: what a change makes stale is fresh at once, and nothing else is. */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { startShop } from '../../examples/recipes/shop/service.ts';
import { end, printed, spawnBound } from '../support/process.ts';
import { expectCommands, expectShown } from './recipe-page.ts';
import { startRecipe, type Question, type Recipe } from './recipe.ts';

const SERVE = fileURLToPath(new URL('../../examples/recipes/serve.ts', import.meta.url));
/** In place of the package as it was built last, if it was. */
const SOURCES = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from 'node:module';
  const own = ${JSON.stringify(new URL('../../src/invalidation/index.ts', import.meta.url))};
  registerHooks({ resolve: (name, context, next) =>
    next(name === 'freshet-gateway/invalidation' ? own : name, context) });
`)}`;

const LAMP = '{ product(id: "1") { name cents } }';
const CHAIR = '{ product(id: "3") { name cents } }';
const LAMP_PLACE = '{ product(id: "1") { category { name } } }';
const stockOf = (warehouse: string): string =>
  `{ product(id: "1") { stock(warehouse: "${warehouse}") } }`;
const LIGHT = '{ category(id: "light") { products { name cents } } }';
const SEATS = '{ category(id: "seats") { products { name cents } } }';
const CART = '{ cart { cents items { count product { name } } } }';
const cartOf = (name: string): Question =>
  [CART, { headers: { authorization: `Bearer ${name}` } }];

let shop: Recipe;

beforeAll(async () => {
  shop = await startRecipe('shop', startShop);
});
afterAll(() => shop.stop());
beforeEach(async () => {
  await shop.change('mutation { setPrice(product: "1", cents: 1900) { id } }');
  await shop.keep(
    LAMP, CHAIR, LAMP_PLACE, stockOf('berlin'), stockOf('lyon'), LIGHT, SEATS,
    cartOf('ada'), cartOf('bea'),
  );
});

it('shows a new price on the page of the product, in its category and in carts', async () => {
  await shop.change('mutation { setPrice(product: "1", cents: 1500) { id } }');
  await shop.expectKept(CHAIR, SEATS, cartOf('bea'));
  await shop.expectFresh(LAMP, { product: { name: 'Lamp', cents: 1500 } });
  await shop.expectFresh(LIGHT, {
    category: { products: [{ name: 'Lamp', cents: 1500 }, { name: 'Candle', cents: 300 }] },
  });
  await shop.expectFresh(cartOf('ada'), {
    cart: { cents: 3000, items: [{ count: 2, product: { name: 'Lamp' } }] },
  });
});

it('keeps the stock of one warehouse while that of another changes', async () => {
  const mutation = 'mutation { setStock(product: "1", warehouse: "berlin", count: 9) { id } }';
  await shop.change(mutation);
  await shop.expectKept(LAMP, LIGHT, stockOf('lyon'), cartOf('ada'));
  await shop.expectFresh(stockOf('berlin'), { product: { stock: 9 } });
});

it('takes a product off one list and puts it on the other', async () => {
  const move = (to: string): string =>
    `mutation { moveProduct(product: "1", to: "${to}") { product { id } } }`;
  await shop.change(move('seats'));
  await shop.expectKept(LAMP, CHAIR, stockOf('berlin'), cartOf('ada'));
  await shop.expectFresh(LIGHT, { category: { products: [{ name: 'Candle', cents: 300 }] } });
  await shop.expectFresh(SEATS, {
    category: { products: [{ name: 'Lamp', cents: 1900 }, { name: 'Chair', cents: 8900 }] },
  });
  await shop.expectFresh(LAMP_PLACE, { product: { category: { name: 'Seats' } } });
  await shop.change(move('light'));
});

it('does the same where the product is moved through the gateway', async () => {
  const [, second] = shop.nodes;
  const moved = await second.ask(
    'mutation { moveProduct(product: "1", to: "seats") { product { name } } }',
  );
  expect(moved.data).toEqual({ moveProduct: { product: { name: 'Lamp' } } });
  const position = moved.headers.get('freshet-position') ?? '';
  const names = async (query: string): Promise<unknown> => {
    const { data } = await shop.nodes[0].ask(query, { headers: { 'freshet-position': position } });
    return data.category.products.map(({ name }: { name: string }) => name);
  };
  expect(await names(LIGHT)).toEqual(['Candle']);
  expect(await names(SEATS)).toEqual(['Lamp', 'Chair']);
  await shop.change('mutation { moveProduct(product: "1", to: "light") { product { id } } }');
});

it('shows a cart to its owner alone', async () => {
  const [ada] = await shop.ask(CART, { headers: { authorization: 'Bearer ada' } });
  const [nobody] = await shop.ask(CART);
  expect(ada.data.cart.cents).toBe(3800);
  expect(nobody.data.cart).toEqual({ cents: 0, items: [] });
});

it('is shown on its page as it is', () => expectShown('shop'));

it('does what its page says', () => expectCommands('shop', shop));

it('is started by a command', async () => {
  const service = spawnBound(process.execPath, ['--import', SOURCES, SERVE, 'shop', '--port', '0']);
  try {
    await printed(service, /shop answers at http/, { name: 'serve.ts' });
  } finally {
    await end(service, 'SIGTERM');
  }
  expect(service.exitCode).toBe(0);
});
