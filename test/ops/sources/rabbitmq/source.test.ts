import { describeBroker } from '../broker/broker-contract.ts';
import { describeSource } from '../source-contract.ts';
import { RabbitmqWorld } from './rabbitmq-world.ts';

describeSource('RabbitMQ', () => RabbitmqWorld.open());
describeBroker('RabbitMQ', () => RabbitmqWorld.open());
