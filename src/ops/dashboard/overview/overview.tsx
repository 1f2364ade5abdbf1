/** How the cache does at this moment. */
import { connection, snapshots } from '../live.ts';
import { Loading, Notice } from '../parts/notice.tsx';
import { linkTo } from '../address.ts';
import { Headline } from './headline.tsx';
import { Holdings } from './holdings.tsx';
import { Lines } from './lines.tsx';
import { Outcomes } from './outcomes.tsx';
import { Purges } from './purges.tsx';
import { Types } from './types.tsx';

export function OverviewView() {
  const latest = snapshots.value.at(-1);
  if (latest === undefined) {
    return connection.value.state === 'lost' ? null : <Loading what="the figures of this node" />;
  }
  return (
    <>
      <Headline />
      {latest.requests.total === 0 &&
        <Notice title="No request has been answered yet.">
          <p>
            Send one to the GraphQL endpoint twice: the first is a miss, the second a hit. What
            would become of a request tells <a href={linkTo('explain')}>Explain</a>.
          </p>
        </Notice>}
      <div class="columns">
        <Lines />
        <Purges />
        <Outcomes />
        <Types />
      </div>
      <Holdings figures={latest} />
    </>
  );
}
