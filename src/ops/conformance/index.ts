/** `freshet-gateway/conformance`: what a module adapter is written against. */
export type { Adapter, Change } from './adapter.ts';
export type { Report } from './report.ts';
export type { Outcome, Verdict } from './verdict.ts';
