/** What makes an explanation less than whole, or the cache other than usual. */
import type { KeyAnswer, OperationAnswer } from '../../admin/explain-answers.ts';
import { countText } from '../format.ts';

export function NodeWarnings({ answer }: { answer: KeyAnswer | OperationAnswer }) {
  const { caching, hears_log: hears, log } = answer;
  const warnings = [
    ...(caching === 'off' ? ['Caching is switched off.'] : []),
    ...(hears ? [] : ['The node does not hear the log.']),
    ...(log.complete ? [] : [`Of the log only ${countText(log.records)} records were read.`]),
    ...(log.reaches_back ? [] : ['The log does not reach back as far as was needed.']),
  ];
  if (warnings.length === 0) return null;
  return <div class="notice error"><p>{warnings.join(' ')}</p></div>;
}
