/** docs/recipes/feed.md: what a change makes stale is fresh at once, and nothing else is. */
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { startFeed } from '../../examples/recipes/feed/service.ts';
import { expectCommands, expectShown } from './recipe-page.ts';
import { startRecipe, type Recipe } from './recipe.ts';

const timelineOf = (reader: string): string => `{ timeline(reader: "${reader}") { text } }`;
const profileOf = (id: string): string => `{ user(id: "${id}") { name posts { text } } }`;
const [BEA, CEM, DIA] = [timelineOf('bea'), timelineOf('cem'), timelineOf('dia')];
const texts = (...all: readonly string[]) => ({ timeline: all.map((text) => ({ text })) });
const [WEAVES, RAIN] = ['The engine weaves.', 'Rain again.'];

let feed: Recipe;

beforeAll(async () => {
  feed = await startRecipe('feed', startFeed);
});
afterAll(() => feed.stop());
beforeEach(() => feed.keep(BEA, CEM, DIA, profileOf('ada'), profileOf('bea')));

const post = async (): Promise<string> => {
  const { createPost } =
    await feed.change('mutation { createPost(author: "ada", text: "It adds.") { id } }');
  return createPost.id;
};

it('shows a new post to those who follow its author, and to nobody else anew', async () => {
  const id = await post();
  await feed.expectKept(DIA, profileOf('bea'));
  await feed.expectFresh(BEA, texts('It adds.', WEAVES));
  await feed.expectFresh(CEM, texts('It adds.', RAIN, WEAVES));
  await feed.expectFresh(profileOf('ada'), {
    user: { name: 'Ada', posts: [{ text: 'It adds.' }, { text: WEAVES }] },
  });
  await feed.change(`mutation { deletePost(post: "${id}") }`);
});

it('takes a deleted post out of all timelines that hold it, and leaves the others', async () => {
  const id = await post();
  await feed.keep(BEA, CEM, profileOf('ada'));
  await feed.change(`mutation { deletePost(post: "${id}") }`);
  await feed.expectKept(DIA, profileOf('bea'));
  await feed.expectFresh(BEA, texts(WEAVES));
  await feed.expectFresh(CEM, texts(RAIN, WEAVES));
  await feed.expectFresh(profileOf('ada'), { user: { name: 'Ada', posts: [{ text: WEAVES }] } });
});

it('shows another text wherever the post is shown', async () => {
  const edit = (text: string): Promise<unknown> =>
    feed.change(`mutation { editPost(post: "2", text: "${text}") { id } }`);
  await edit('Sun.');
  await feed.expectKept(BEA, profileOf('ada'));
  await feed.expectFresh(CEM, texts('Sun.', WEAVES));
  await feed.expectFresh(DIA, texts('Sun.'));
  await edit(RAIN);
});

it('changes the timeline of one reader who unfollows and follows', async () => {
  await feed.change('mutation { unfollow(reader: "cem", author: "ada") }');
  await feed.expectKept(BEA, DIA, profileOf('ada'), profileOf('bea'));
  await feed.expectFresh(CEM, texts(RAIN));
  await feed.change('mutation { follow(reader: "cem", author: "ada") }');
  await feed.expectKept(BEA, DIA);
  await feed.expectFresh(CEM, texts(RAIN, WEAVES));
});

it('lets who posts through the gateway see it at once', async () => {
  const [node] = feed.nodes;
  const posted = await node.ask('mutation { createPost(author: "bea", text: "Fog.") { id } }');
  const { id } = posted.data.createPost;
  const { data } = await node.ask(profileOf('bea'));
  expect(data.user.posts).toEqual([{ text: 'Fog.' }, { text: RAIN }]);
  await feed.change(`mutation { deletePost(post: "${id}") }`);
  await feed.expectFresh(DIA, texts(RAIN));
});

it('is shown on its page as it is', () => expectShown('feed'));

it('does what its page says', async () => {
  const fresh = await startRecipe('feed', startFeed);
  try {
    await expectCommands('feed', fresh);
  } finally {
    await fresh.stop();
  }
});
