/** The messages that existing services send, with what a reader must make of each. */
import wire from './wire-messages.json' with { type: 'json' };

export interface WireMessage {
  readonly name: string;
  readonly payload: string;
  readonly expect: {
    readonly purges?: readonly string[];
    readonly purgesPattern?: string;
    readonly purgesEntity?: readonly [string, string];
    readonly metadata?: object;
    readonly rejected?: boolean;
  };
}

export const wireMessages = wire.messages as unknown as readonly WireMessage[];
