/** An operators' listener on a port, and the command line in this process. */
import { getRequestListener } from '@hono/node-server';
import { systemClock } from '../../../src/invalidation/clock.ts';
import { HttpServer } from '../../../src/gateway/http/http-server.ts';
import { main } from '../../../src/ops/cli/main.ts';
import { openService, type ServiceOptions } from '../admin/service.ts';

export type Operators = Awaited<ReturnType<typeof openOperators>>;

export async function openOperators(options: ServiceOptions = {}) {
  const service = await openService(options);
  const server = new HttpServer({
    handler: getRequestListener(service.app.fetch, { overrideGlobalObjects: false }),
    limits: service.config.limits, clock: systemClock, onError: () => undefined,
  });
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
  return {
    ...service,
    url: `http://127.0.0.1:${port}`,
    async close() {
      service.events.close();
      await server.close({ drainMs: 0 });
      await service.close();
    },
  };
}

export interface Ran {
  readonly code: number | undefined;
  readonly out: string;
  readonly err: string;
}

export interface Running {
  readonly ended: Promise<Ran>;
  /** Printed so far. */
  readonly out: () => string;
  readonly err: () => string;
}

/** Runs `freshet ...args`. */
export function begin(
  args: readonly string[],
  { environment = {}, directory = '/nowhere' }: {
    environment?: Record<string, string>; directory?: string;
  } = {},
): Running {
  let [out, err] = ['', ''];
  const ended = main(args, {
    directory, environment, version: '1.2.3',
    print: (text) => void (out += text),
    printError: (text) => void (err += text),
  }).then((code) => ({ code, out, err }));
  return { ended, out: () => out, err: () => err };
}

export function run(...given: Parameters<typeof begin>): Promise<Ran> {
  return begin(...given).ended;
}
