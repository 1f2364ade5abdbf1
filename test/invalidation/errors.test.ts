import { describe, expect, it } from 'vitest';
import { fault, FAULTS, FreshetError, type FaultCode } from '../../src/invalidation/errors.ts';

const codes = Object.keys(FAULTS) as FaultCode[];

describe('the table of faults', () => {
  it.each(codes)('%s: the code, the status and every detail reach the error', (code) => {
    const { message, status } = FAULTS[code] as { message: string; status?: number };
    const names = [...message.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as string);
    const details = Object.fromEntries(names.map((name) => [name, `<${name}>`]));
    const error = (fault as (code: FaultCode, details: object) => FreshetError)(code, details);
    expect(error.code).toBe(code);
    expect(error.status).toBe(status);
    expect(error.name).toBe('FreshetError');
    expect(error.message).not.toMatch(/\{\w+\}|undefined/);
    for (const name of names) expect(error.message).toContain(`<${name}>`);
    expect('cause' in error).toBe(false);
  });

  it('keeps the cause of an error', () => {
    const cause = new Error('refused');
    expect(fault('LOG_UNAVAILABLE', { reason: 'it is down', cause }).cause).toBe(cause);
  });

  it('fills in a detail once, even where it holds a placeholder or a dollar sign', () => {
    const error = fault('SUBGRAPH_UNREACHABLE', { subgraph: '{reason} $&', reason: 'down' });
    expect(error.message).toBe('Subgraph {reason} $& cannot be reached: down.');
  });

  it('takes no details where the template asks for none', () => {
    expect(fault('LOG_CLOSED').message).toBe('The log has been closed.');
  });
});

describe('FreshetError', () => {
  it('is an Error, and known to another copy of the package', () => {
    const error = fault('LOG_CLOSED');
    expect(error).toBeInstanceOf(Error);
    expect(error).toBeInstanceOf(FreshetError);
    const brand = Symbol.for('freshet.error');
    const other: unknown = Object.assign(new Error('other copy'), { [brand]: true });
    expect(other instanceof FreshetError).toBe(true);
  });

  it.each([[new Error('other')], [undefined], [null], ['LOG_CLOSED'], [{ code: 'LOG_CLOSED' }]])(
    'does not claim %s',
    (value: unknown) => expect(value instanceof FreshetError).toBe(false),
  );
});
