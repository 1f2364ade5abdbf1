/**
 * Loaded into a gateway process before all else: connections to the ports of Redis go through wires
 * of the suite, which can be cut, silenced and slowed. Redis itself tells clients of a Cluster or a
 * Sentinel group where to go, so an address in the configuration would not do; and the suite may
 * not touch the machine's packet filter. `CHAOS_WIRES` holds the ports: `{"6379":40001}`.
 */
import { Socket } from 'node:net';

const wires = JSON.parse(process.env['CHAOS_WIRES'] ?? '{}') as Record<string, number>;
const connect = Socket.prototype.connect as (this: Socket, ...args: unknown[]) => Socket;

Socket.prototype.connect = function connectByWire(this: Socket, ...args: unknown[]): Socket {
  // `net.connect` hands on an array of its own: options and callback.
  const [first] = args;
  const options: unknown = Array.isArray(first) ? first[0] : first;
  if (typeof options === 'object' && options !== null && 'port' in options) {
    const wire = wires[String(options.port)];
    if (wire !== undefined) Object.assign(options, { port: wire, host: '127.0.0.1' });
  }
  return connect.apply(this, args);
};
