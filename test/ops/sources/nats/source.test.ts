import { describeBroker } from '../broker/broker-contract.ts';
import { describeSource } from '../source-contract.ts';
import { NatsWorld } from './nats-world.ts';

describeSource('NATS JetStream', () => NatsWorld.open());
describeBroker('NATS JetStream', () => NatsWorld.open());
