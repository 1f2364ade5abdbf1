/** What the cache would do with a request, and why; it asks no service and changes nothing. */
import { useEffect, useState } from 'preact/hooks';
import type { ViewProps } from '../app.tsx';
import type { KeyAnswer, OperationAnswer } from '../../admin/explain-answers.ts';
import { Loading } from '../parts/notice.tsx';
import { RefusalNotice } from '../parts/refusal-notice.tsx';
import { useAnswer } from '../parts/use-answer.ts';
import { goTo } from '../route.ts';
import { KeyExplanation } from './key-explanation.tsx';
import { OperationExplanation } from './operation-explanation.tsx';
import { QuestionForm } from './question-form.tsx';
import { bodyOf, draftOf, faultOf, parametersOf, type Draft } from './question.ts';

export function ExplainView({ parameters }: ViewProps) {
  const [draft, setDraft] = useState(() => draftOf(parameters));
  // A link that was opened is answered at once: to look changes nothing.
  const [asked, setAsked] = useState<Draft | undefined>(() => complete(draftOf(parameters)));
  const [turn, setTurn] = useState(0);
  const address = JSON.stringify(parameters);
  useEffect(() => {
    if (address === JSON.stringify(withoutEmpty(parametersOf(draft)))) return;
    const given = draftOf(parameters);
    setDraft(given);
    setAsked(complete(given));
  }, [address]);
  const submit = (): void => {
    setAsked(draft);
    setTurn((count) => count + 1);
    goTo('explain', parametersOf(draft));
  };
  return (
    <>
      <QuestionForm draft={draft} onChange={setDraft} onSubmit={submit} />
      {asked !== undefined && <Explanation asked={asked} turn={turn} />}
    </>
  );
}

function Explanation({ asked, turn }: { asked: Draft; turn: number }) {
  const { answer, refusal, isLoading } = useAnswer<OperationAnswer | KeyAnswer>(
    'admin/cache/explain', { method: 'POST', body: bodyOf(asked), turn },
  );
  if (refusal !== undefined) return <RefusalNotice refusal={refusal} />;
  if (answer === undefined) return isLoading ? <Loading what="the explanation" /> : null;
  return answer.kind === 'operation'
    ? <OperationExplanation answer={answer} />
    : <KeyExplanation answer={answer} asked={asked.key} />;
}

function complete(draft: Draft): Draft | undefined {
  return faultOf(draft) === undefined ? draft : undefined;
}

function withoutEmpty(parameters: Readonly<Record<string, string>>): object {
  return Object.fromEntries(Object.entries(parameters).filter(([, value]) => value !== ''));
}
