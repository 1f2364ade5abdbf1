import { describeSource } from '../source-contract.ts';
import { PostgresWorld } from './postgres-world.ts';

describeSource('an outbox', () => PostgresWorld.open('outbox'));
describeSource('what triggers write', () => PostgresWorld.open('triggers'));
describeSource('logical replication', () => PostgresWorld.open('replication'));
