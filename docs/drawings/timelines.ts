/** What the drawings of docs/concepts show. Each step names the code that does it. */
import type { Timeline } from './timeline.ts';

const RULE: Timeline = {
  name: 'rule',
  title: 'A read that was overtaken is not stored',
  description: 'A node takes the stamp 41 and reads "Ada" from the service. While the read is '
    + 'under way the service renames Ada to Bea and publishes; the log gets record 42, for '
    + 'user:7, and the node applies it. The answer "Ada" arrives with stamp 41, below 42, and is '
    + 'refused. The next read is stamped 42, brings "Bea", and is stored.',
  lanes: ['service', 'log', 'node', 'client'],
  spans: [
    { lane: 'node', from: 8, to: 55, text: 'reads "Ada", stamp 41', tone: 'bad' },
    { lane: 'node', from: 68, to: 92, text: 'reads "Bea", stamp 42', tone: 'good' },
    { lane: 'service', from: 14, to: 33, text: 'Ada becomes Bea' },
    { lane: 'log', from: 34, to: 46, text: '42: user:7' },
    { lane: 'client', from: 4, to: 60, text: 'asks, and gets "Ada": it asked before' },
    { lane: 'client', from: 64, to: 96, text: 'asks, and gets "Bea"', tone: 'good' },
  ],
  arrows: [
    { from: ['service', 33], to: ['log', 36] },
    { from: ['log', 42], to: ['node', 46] },
  ],
  steps: [
    {
      lane: 'node', at: 9,
      tells: 'The stamp is the position of the node when the read begins, never when it ends.',
      code: { file: 'src/cache/loader.ts', name: 'const stamp = horizon.position' },
    },
    {
      lane: 'log', at: 39, tells: 'The service publishes: the record gets the next position.',
      code: { file: 'src/invalidation/log.ts', name: 'append' },
    },
    {
      lane: 'node', at: 47, tells: 'The node applies it: user:7 was last invalidated at 42.',
      code: { file: 'src/invalidation/horizon.ts', name: 'advance' },
    },
    {
      lane: 'node', at: 55, tone: 'bad',
      tells: 'The rule is asked before the fill is stored: 42 is after 41, so it is refused.',
      code: { file: 'src/cache/tiers.ts', name: 'this.#freshness.judgeFill' },
    },
    {
      lane: 'node', at: 92, tone: 'good',
      tells: 'Nothing was invalidated after 42: it is stored, and served until something is.',
      code: { file: 'src/cache/freshness.ts', name: 'judge' },
    },
  ],
};

const LOG: Timeline = {
  name: 'log-and-horizon',
  title: 'Two nodes follow one log; one is cut off for a while',
  description: 'Records 41 to 44 stand in the log. Node 1 applies each as it comes. Node 2 is cut '
    + 'off after 41: it knows that it does not hear, serves nothing older than maxStalenessMs, and '
    + 'reads 42 and 43 when the connection is back. A third node was away until the log had been '
    + 'trimmed past its position: its floor rises, and all that it had counts as invalidated.',
  lanes: ['log', 'node 1', 'node 2', 'node 3'],
  spans: [
    { lane: 'log', from: 4, to: 16, text: '41: user:7' },
    { lane: 'log', from: 26, to: 38, text: '42: post' },
    { lane: 'log', from: 43, to: 57, text: '43: feed:7:*' },
    { lane: 'log', from: 82, to: 94, text: '44: user:9' },
    {
      lane: 'node 1', from: 8, to: 97, tone: 'good',
      text: 'hears: 41, 42, 43, 44, each as it comes',
    },
    { lane: 'node 2', from: 8, to: 22, text: 'hears', tone: 'good' },
    { lane: 'node 2', from: 22, to: 64, text: 'cut off: nothing older than 5 s', tone: 'waiting' },
    { lane: 'node 2', from: 64, to: 97, text: '42, 43, then hears', tone: 'good' },
    { lane: 'node 3', from: 22, to: 74, text: 'away until the log was trimmed', tone: 'waiting' },
    { lane: 'node 3', from: 74, to: 97, text: 'starts anew', tone: 'bad' },
  ],
  arrows: [{ from: ['log', 50], to: ['node 1', 53] }],
  steps: [
    {
      lane: 'node 1', at: 54, tells: 'One line in the horizon for each purge, whatever is cached.',
      code: { file: 'src/invalidation/follower.ts', name: 'this.#horizon.advance' },
    },
    {
      lane: 'node 2', at: 23, tone: 'waiting',
      tells: 'It cannot prove that it misses nothing, so it says that it does not hear.',
      code: { file: 'src/invalidation/follower.ts', name: 'hears' },
    },
    {
      lane: 'node 2', at: 65, tone: 'good',
      tells: 'It reads on from its own position: start, reconnect and replay are one call.',
      code: { file: 'src/invalidation/log.ts', name: 'follow' },
    },
    {
      lane: 'node 3', at: 75, tone: 'bad',
      tells: 'Each record names the one before it: a gap is seen, and the floor rises to its end.',
      code: { file: 'src/invalidation/horizon.ts', name: 'this.#hard.raiseFloor' },
    },
  ],
};

const TAGS: Timeline = {
  name: 'tags',
  title: 'Which purge ends which entry',
  description: 'Three entries: a profile with the tag user:7, a page of a user\'s posts with '
    + 'user:7:posts, post:1 and post, and a list of posts with post:1, post:2 and post. A purge of '
    + 'user:7:posts ends the page alone; the creation of a post ends both lists; a purge of '
    + 'user:7:* ends what stands below user:7; a purge of user:7 ends the profile.',
  lanes: ['log', 'profile', 'page of posts', 'list of posts'],
  spans: [
    { lane: 'log', from: 12, to: 28, text: 'user:7:posts' },
    { lane: 'log', from: 36, to: 54, text: 'a post is created' },
    { lane: 'log', from: 60, to: 72, text: 'user:7:*' },
    { lane: 'log', from: 78, to: 88, text: 'user:7' },
    { lane: 'profile', from: 0, to: 83, text: 'user:7', tone: 'good' },
    { lane: 'page of posts', from: 0, to: 20, text: 'user:7:posts ...', tone: 'good' },
    { lane: 'page of posts', from: 22, to: 45, text: 'read anew', tone: 'good' },
    { lane: 'page of posts', from: 47, to: 66, text: 'read anew', tone: 'good' },
    { lane: 'list of posts', from: 0, to: 45, text: 'post:1  post:2  post', tone: 'good' },
    { lane: 'list of posts', from: 47, to: 97, text: 'read anew', tone: 'good' },
  ],
  steps: [
    {
      lane: 'page of posts', at: 20, tells: 'A tag that the schema declares by @cacheTag.',
      code: { file: 'src/policy/declared-tags.ts', name: 'DeclaredTags' },
    },
    {
      lane: 'list of posts', at: 45,
      tells: 'A list carries the tag of its type, also when it is empty; a new entity purges that.',
      code: { file: 'src/invalidation/tag.ts', name: 'collectionTag' },
    },
    {
      lane: 'page of posts', at: 66, tells: 'All below user:7, in one write: tags are paths.',
      code: { file: 'src/invalidation/tag.ts', name: 'tagsAbove' },
    },
    {
      lane: 'profile', at: 83, tells: 'Ids are learnt from the answer, asked for or not.',
      code: { file: 'src/policy/completion.ts', name: 'complete' },
    },
  ],
};

const SCOPES: Timeline = {
  name: 'scopes',
  title: 'Who is served what somebody else was answered',
  description: 'Without credentials, and where all of it is PUBLIC, callers share one entry: the '
    + 'first one reads, all others hit. Where nothing is declared, Ann and Bob, who send '
    + 'credentials, have an entry each. What is PRIVATE is not kept for a caller without '
    + 'credentials. When the session of Ann is revoked, her own entries end.',
  lanes: ['nobody known', 'Ann', 'Bob', 'log'],
  spans: [
    { lane: 'nobody known', from: 2, to: 16, text: 'PUBLIC: read' },
    { lane: 'Ann', from: 12, to: 26, text: 'PUBLIC: hit', tone: 'good' },
    { lane: 'Bob', from: 16, to: 30, text: 'PUBLIC: hit', tone: 'good' },
    { lane: 'Ann', from: 32, to: 50, text: 'undeclared: read' },
    { lane: 'Bob', from: 36, to: 54, text: 'undeclared: read' },
    { lane: 'nobody known', from: 34, to: 54, text: 'PRIVATE: not kept', tone: 'bad' },
    { lane: 'Ann', from: 54, to: 66, text: 'own: hit', tone: 'good' },
    { lane: 'log', from: 70, to: 84, text: 'session:ann' },
    { lane: 'Ann', from: 86, to: 98, text: 'not served', tone: 'bad' },
    { lane: 'Bob', from: 86, to: 98, text: 'own: hit', tone: 'good' },
  ],
  steps: [
    {
      lane: 'nobody known', at: 9,
      tells: 'The scope is computed from the document, so no alias walks round a PRIVATE.',
      code: { file: 'src/policy/operation-plan.ts', name: 'planOperation' },
    },
    {
      lane: 'Bob', at: 37, tells: 'With credentials, what is not declared PUBLIC is one\'s own.',
      code: { file: 'src/gateway/caching/scope.ts', name: 'audienceOf' },
    },
    {
      lane: 'Ann', at: 33,
      tells: 'Only headers of the allow-list reach a service, and those belong to the key.',
      code: { file: 'src/gateway/http/caller-reader.ts', name: 'callerReader' },
    },
    {
      lane: 'log', at: 77, tone: 'bad',
      tells: 'Own entries carry session:<id>, where the token names one, and end before it does.',
      code: { file: 'src/gateway/http/caller.ts', name: 'session:<id>' },
    },
  ],
};

const STAMPEDE: Timeline = {
  name: 'stampede',
  title: 'A thousand ask, one reads',
  description: 'After a purge three callers of node 1 ask at once: the first one begins a flight, '
    + 'the others join it, and all three are answered by one read. With a load lock, node 2 waits '
    + 'for what node 1 stores in Redis. A second purge during the read would make the flight '
    + 'stale: then who joined it reads for itself.',
  lanes: ['log', 'node 1, caller A', 'node 1, B and C', 'node 2', 'service'],
  spans: [
    { lane: 'log', from: 2, to: 14, text: '42: post' },
    { lane: 'node 1, caller A', from: 20, to: 62, text: 'leads: lock, read, store' },
    { lane: 'node 1, caller A', from: 62, to: 76, text: 'answered', tone: 'good' },
    { lane: 'node 1, B and C', from: 24, to: 62, text: 'joined', tone: 'waiting' },
    { lane: 'node 1, B and C', from: 62, to: 76, text: 'answered', tone: 'good' },
    { lane: 'node 2', from: 28, to: 72, text: 'looks into Redis', tone: 'waiting' },
    { lane: 'node 2', from: 72, to: 86, text: 'answered', tone: 'good' },
    { lane: 'service', from: 30, to: 56, text: 'one read' },
  ],
  steps: [
    {
      lane: 'node 1, caller A', at: 21, tells: 'Nobody loads it yet: a flight begins.',
      code: { file: 'src/cache/single-flight.ts', name: 'begin' },
    },
    {
      lane: 'node 1, B and C', at: 25, tells: 'Who wants the same joins, and asks the rule itself.',
      code: { file: 'src/cache/read-path.ts', name: '#follow' },
    },
    {
      lane: 'node 2', at: 29, tone: 'waiting',
      tells: 'With @cacheStrategy(lock:) one node loads, the others look every 20 to 50 ms.',
      code: { file: 'src/cache/locked-loader.ts', name: '#wait' },
    },
    {
      lane: 'node 1, caller A', at: 62, tone: 'good',
      tells: 'It lands. What was invalidated meanwhile is handed to nobody who waits.',
      code: { file: 'src/cache/loader.ts', name: '#settle' },
    },
  ],
};

const FAILURE: Timeline = {
  name: 'failure',
  title: 'Redis is away for a while',
  description: 'While Redis does not answer, requests go to the services after at most 50 ms, '
    + 'nothing that was read longer ago than maxStalenessMs is served from memory, and a mutation '
    + 'is applied on its own node and kept in its outbox. When Redis is back the outbox is '
    + 'appended in order, the nodes read what they missed, and serve from the cache again after '
    + 'about a second.',
  lanes: ['Redis', 'reads', 'mutation', 'other nodes'],
  spans: [
    { lane: 'Redis', from: 0, to: 18, text: 'up', tone: 'good' },
    { lane: 'Redis', from: 18, to: 62, text: 'does not answer', tone: 'bad' },
    { lane: 'Redis', from: 62, to: 98, text: 'up', tone: 'good' },
    { lane: 'reads', from: 0, to: 18, text: 'hits', tone: 'good' },
    { lane: 'reads', from: 18, to: 36, text: 'hits, 5 s old', tone: 'waiting' },
    { lane: 'reads', from: 36, to: 78, text: 'from the services' },
    { lane: 'reads', from: 78, to: 98, text: 'hits', tone: 'good' },
    { lane: 'mutation', from: 42, to: 52, text: 'answered' },
    { lane: 'mutation', from: 52, to: 66, text: 'kept', tone: 'waiting' },
    { lane: 'mutation', from: 66, to: 80, text: 'in the log', tone: 'good' },
    {
      lane: 'other nodes', from: 18, to: 70, tone: 'waiting',
      text: 'bounded: nothing read longer ago',
    },
    { lane: 'other nodes', from: 70, to: 98, text: 'know of it', tone: 'good' },
  ],
  steps: [
    {
      lane: 'reads', at: 19, tone: 'waiting',
      tells: 'The log is not heard, and no wait on Redis is longer than redis.readTimeoutMs.',
      code: { file: 'src/cache/patience.ts', name: 'Patience' },
    },
    {
      lane: 'reads', at: 36, tells: 'What was read longer ago than maxStalenessMs is not served.',
      code: { file: 'src/cache/freshness.ts', name: 'unheard' },
    },
    {
      lane: 'mutation', at: 51,
      tells: 'Applied on its own node at once; after 250 ms kept, in order, to be appended later.',
      code: { file: 'src/invalidation/outbox.ts', name: '#keepAndWait' },
    },
    {
      lane: 'mutation', at: 67, tone: 'good', tells: 'The log is back: what was kept is appended.',
      code: { file: 'src/invalidation/outbox.ts', name: '#drain' },
    },
    {
      lane: 'reads', at: 79, tone: 'good',
      tells: 'Trusted again when it was heard for a second; an unheard channel raises the floor.',
      code: { file: 'src/invalidation/forgetting.ts', name: 'forget' },
    },
  ],
};

export const TIMELINES: readonly Timeline[] = [RULE, LOG, TAGS, SCOPES, STAMPEDE, FAILURE];
