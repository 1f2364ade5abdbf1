/**
 * `freshet-gateway`: the gateway as a library. `createGateway` gives a handler for `node:http`;
 * `defineConfig` gives `freshet.config.ts` its types. Services publish with
 * `freshet-gateway/invalidation`; a Yoga server caches with `freshet-gateway/yoga`.
 */
export {
  defineConfig, resolveConfig, type FreshetConfig, type FreshetOptions,
} from './config/config.ts';
export {
  createGateway, type Gateway, type GatewayDependencies, type GatewayStatus,
} from './gateway.ts';
export { HttpServer, type HttpServerOptions } from './http/http-server.ts';
export { FreshetError, type FaultCode } from '../invalidation/errors.ts';
export {
  systemClock, systemRandom, type Clock, type Millis, type Random,
} from '../invalidation/clock.ts';
