/** What the doctor has to say of one matter. */
export interface Finding {
  /** What was looked at: `redis eviction`. */
  readonly check: string;
  /** `warning`: it works, and may not go on to. `failed`: something that was asked for does not. */
  readonly level: 'ok' | 'warning' | 'failed';
  /** What was found, without credentials. */
  readonly message: string;
  /** What to do about it. Not where all is well. */
  readonly advice?: string;
}

export function ok(check: string, message: string): Finding {
  return { check, level: 'ok', message };
}

export function warning(check: string, message: string, advice: string): Finding {
  return { check, level: 'warning', message, advice };
}

export function failed(check: string, message: string, advice: string): Finding {
  return { check, level: 'failed', message, advice };
}
