/**
 * A fence is a record that invalidates nothing: it takes a place in the log where one is needed,
 * so that positions grow beyond what was read of an older log, or what a node has forgotten.
 */
import { randomUUID } from 'node:crypto';
import type { Clock } from './clock.ts';
import type { InvalidationMessage } from './message.ts';

/**
 * An empty batch, which every existing reader accepts and none acts upon. `tellsLoss` where its
 * maker has found that the log does not hold what it did; `tellsSilence` where it begins to listen
 * to the channel: what was said there before, perhaps nobody has heard.
 */
export function fenceMessage(
  clock: Clock,
  { tellsLoss = false, tellsSilence = false } = {},
): InvalidationMessage {
  return {
    message_id: randomUUID(),
    entity_type: { Custom: 'batch' },
    entity_id: null,
    pattern: null,
    entity_ids: [],
    action: 'Batch',
    timestamp: new Date(clock.wall()).toISOString(),
    source_service: 'freshet',
    metadata: {
      fence: true,
      ...(tellsLoss && { loss: true }),
      ...(tellsSilence && { silence: true }),
    },
  };
}

/** Whether a record is of use to the log alone. */
export function isFence(message: InvalidationMessage): boolean {
  return message.metadata?.['fence'] === true && message.entity_ids?.length === 0;
}

/** Whether it is a fence that was made with `tellsLoss`. */
export function tellsLoss(message: InvalidationMessage): boolean {
  return isFence(message) && message.metadata?.['loss'] === true;
}

/** Whether it is a fence that was made with `tellsSilence`. */
export function tellsSilence(message: InvalidationMessage): boolean {
  return isFence(message) && message.metadata?.['silence'] === true;
}
