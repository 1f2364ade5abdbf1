import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { Lifecycle } from '../../src/ops/lifecycle.ts';
import { ManualClock } from '../support/manual-clock.ts';

class FakeProcess extends EventEmitter {
  readonly exited = Promise.withResolvers<number>();
  readonly codes: number[] = [];

  exit(code: number): void {
    this.codes.push(code);
    this.exited.resolve(code);
  }
}

function open() {
  const logged: string[] = [];
  const note = (_: unknown, message: string): void => void logged.push(message);
  const log = { info: note, error: note, fatal: note } as never;
  const clock = new ManualClock();
  const fake = new FakeProcess();
  const lifecycle = new Lifecycle({ log, clock, closeMsMax: 1_000, process: fake });
  return { lifecycle, clock, fake, logged };
}

describe('Lifecycle', () => {
  it.each(['SIGTERM', 'SIGINT'])('on %s closes the last first, and exits 0', async (signal) => {
    const { lifecycle, clock, fake } = open();
    const closed: string[] = [];
    for (const name of ['log', 'gateway', 'listener']) {
      lifecycle.onClose(name, async () => void closed.push(name));
    }
    expect(lifecycle.ending).toBe(false);
    fake.emit(signal, signal);
    expect(lifecycle.ending).toBe(true);
    expect(await fake.exited.promise).toBe(0);
    expect(closed).toEqual(['listener', 'gateway', 'log']);
    expect(clock.pending).toBe(0);
  });

  it('exits at once on a second signal', async () => {
    const { lifecycle, fake } = open();
    lifecycle.onClose('a request without end', () => new Promise(() => {}));
    fake.emit('SIGTERM', 'SIGTERM');
    expect(fake.codes).toEqual([]);
    fake.emit('SIGINT', 'SIGINT');
    expect(fake.codes).toEqual([1]);
  });

  it('closes the rest where one fails, and exits 1', async () => {
    const { lifecycle, fake, logged } = open();
    let closed = false;
    lifecycle.onClose('first', async () => {
      closed = true;
    });
    lifecycle.onClose('second', () => Promise.reject(new Error('no')));
    fake.emit('SIGTERM', 'SIGTERM');
    expect(await fake.exited.promise).toBe(1);
    expect(closed).toBe(true);
    expect(logged).toContain('could not close');
  });

  it('gives up after closeMsMax, and exits 1', async () => {
    const { lifecycle, fake, clock, logged } = open();
    lifecycle.onClose('never', () => new Promise(() => {}));
    fake.emit('SIGTERM', 'SIGTERM');
    await clock.advanceAsync(1_000);
    expect(await fake.exited.promise).toBe(1);
    expect(logged).toContain('closing took too long');
  });

  it.each(['uncaughtException', 'unhandledRejection'])('logs an %s and exits 1', (event) => {
    const { fake, logged } = open();
    fake.emit(event, new Error('a bug'));
    expect(fake.codes).toEqual([1]);
    expect(logged).toEqual(['unexpected error']);
  });
});
