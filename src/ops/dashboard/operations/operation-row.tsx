/** One operation: its figures, what would help it, and its text where that is asked for. */
import type { OperationFigures } from '../../admin/dashboard-answers.ts';
import { countText, durationText, latencyText, shareText } from '../format.ts';
import { TypeLink } from '../parts/tag-link.tsx';
import { linkTo } from '../address.ts';

export interface OperationRowProps {
  readonly operation: OperationFigures;
  readonly isOpen: boolean;
  readonly onOpen: () => void;
}

export function OperationRow({ operation, isOpen, onOpen }: OperationRowProps) {
  const { name, kind, text, requests, hit_ratio: hits, advice } = operation;
  return (
    <tr>
      <td class="operation">
        <button type="button" class="plain" aria-expanded={isOpen} onClick={onOpen}>
          {name ?? firstLine(text ?? operation.id)}
        </button>
        {kind !== 'query' && <span class="mark">{kind}</span>}
        {advice.length > 0 && (
          <ul class="advice">{advice.map((one) => <li key={one.code}>{one.text}</li>)}</ul>
        )}
        {isOpen && <Details operation={operation} />}
      </td>
      <td class="number">{countText(requests)}</td>
      <td class="number">{kind === 'query' ? shareText(hits) : ''}</td>
      <td class="number">{countText(operation.misses)}</td>
      <td class="number">{latencyText(operation.miss_ms)}</td>
      <td class="number">{durationText(operation.saved_ms)}</td>
      <td class="number">{countText(operation.saved_subgraph_calls)}</td>
    </tr>
  );
}

function Details({ operation }: { operation: OperationFigures }) {
  const { text, ttl_ms: ttlMs, scope, types, bypasses, errors } = operation;
  return (
    <div class="details">
      {text === null ? <p>Its text is too long to be kept.</p> : <pre>{text}</pre>}
      <p>
        TTL {durationText(ttlMs)}, scope {scope ?? 'not known'}, bypassed {countText(bypasses)}{' '}
        times, failed {countText(errors)} times.
      </p>
      {types.length > 0 && (
        <p>Types: {types.map((type) => <span key={type}><TypeLink type={type} /> </span>)}</p>
      )}
      {text !== null && <p><a href={linkTo('explain', { query: text })}>Explain it</a></p>}
    </div>
  );
}

function firstLine(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length > 80 ? `${line.slice(0, 79)}\u2026` : line;
}
