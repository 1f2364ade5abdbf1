/** Puts together what the dashboard shows: figures of the machine, and the nodes of the fleet. */
import type { FreshetConfig } from '../../gateway/config/config.ts';
import type { Explainer, Held } from '../../gateway/explaining/explainer.ts';
import { redisConnection } from '../../gateway/invalidation-node.ts';
import type { SwitchState } from '../../gateway/operations.ts';
import type { Clock, Random } from '../../invalidation/clock.ts';
import { parsePosition } from '../../invalidation/position.ts';
import { Fleet } from '../fleet/fleet.ts';
import { NoticeBoard } from '../fleet/notice-board.ts';
import { lagReader, type LagReader } from '../metrics/lag.ts';
import { Traffic } from '../traffic/traffic.ts';
import type { Colleagues } from '../workers/colleagues.ts';
import {
  announcementOf, answerNodes, figuresOf, isSpeaker, type Machine,
} from './dashboard-figures.ts';
import type { DashboardRoutesOptions } from './dashboard-routes.ts';
import { LiveFigures } from './live-figures.ts';
import type { NodeStats } from './stats.ts';

export interface DashboardOptions {
  readonly config: Pick<FreshetConfig, 'redis' | 'log'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly colleagues: Colleagues | undefined;
  /** The log is in this process. */
  readonly isLogOwn: boolean;
  readonly stats: () => Promise<NodeStats>;
  /** Throws STARTING. */
  readonly explainer: () => Pick<Explainer, 'held'>;
  /** Undefined while the node starts. */
  readonly caching: () => SwitchState | undefined;
}

const HELD = 'held of a tag';

export class Dashboard {
  readonly routes: Omit<DashboardRoutesOptions, 'explainer' | 'clock'>;
  readonly #fleet: Fleet;
  readonly #traffic: Traffic;
  readonly #live: LiveFigures;
  readonly #lags: LagReader;

  constructor(options: DashboardOptions) {
    const { config, clock, random, colleagues, stats, caching, isLogOwn } = options;
    const traffic = new Traffic({ clock, colleagues });
    const lags = lagReader(config, { clock, random, isLogOwn });
    const lagOf = async ({ gateway }: NodeStats): Promise<number | undefined> => {
      const position = gateway && parsePosition(gateway.position);
      return position && (await lags.lagOf(position))?.records;
    };
    const machine = async (): Promise<Machine> => {
      const [told, requests] = await Promise.all([stats(), traffic.requests()]);
      return { stats: told, requests, caching: caching(), lagRecords: await lagOf(told) };
    };
    const figures = async () => figuresOf(await machine(), clock);
    const fleet = new Fleet({
      board: boardOf(options), clock, colleagues,
      own: async () => {
        const told = await stats();
        const announced = { stats: told, requests: [], caching: caching() };
        return { told: announcementOf(announced), isSpeaker: isSpeaker(told) };
      },
    });
    const live = new LiveFigures({ clock, take: figures });
    const nodes = async () => answerNodes(await fleet.nodes());
    const heldElsewhere = async (key: string) => {
      const others = await colleagues?.ask(HELD, key) ?? [];
      return others.filter((one) => one !== null) as Held[];
    };
    // One that is starting holds nothing.
    colleagues?.tell(HELD, async (key) => options.explainer().held(key as string));
    this.routes = { figures, live, nodes, traffic, heldElsewhere };
    this.#fleet = fleet;
    this.#traffic = traffic;
    this.#live = live;
    this.#lags = lags;
  }

  /** To be called once, when the node follows the log and is about to let clients in. */
  start(): Promise<void> {
    this.#traffic.start();
    return this.#fleet.start();
  }

  /** Ends the streams of who watches, and takes down what was told of this machine. */
  async close(): Promise<void> {
    this.#live.close();
    this.#traffic.close();
    this.#lags.close();
    await this.#fleet.close();
  }
}

function boardOf({ config, clock, random }: DashboardOptions): NoticeBoard | undefined {
  const { redis } = config;
  if (redis === undefined) return undefined;
  const { keyPrefix: prefix } = redis;
  return new NoticeBoard({ redis: redisConnection(redis), clock, random, prefix });
}
