/**
 * Where waits for Redis can be heard of (`node:diagnostics_channel`). Nobody here knows who
 * listens, and where nobody does, it costs nothing. All else is counted in `stats` of the classes.
 */
import { channel, type Channel } from 'node:diagnostics_channel';
import type { Millis } from '../invalidation/clock.ts';

/**
 * `freshet:redis.wait`: how long the reads that were sent together in one turn of the event loop
 * took, until the last of them was answered or all were given up.
 */
export const redisWaited = channel('freshet:redis.wait') as Channel<unknown, Millis>;
