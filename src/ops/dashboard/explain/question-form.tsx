/** An operation as its caller sends it, or a key. */
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { faultOf, type Draft } from './question.ts';

export interface QuestionFormProps {
  readonly draft: Draft;
  readonly onChange: (draft: Draft) => void;
  readonly onSubmit: () => void;
}

export function QuestionForm({ draft, onChange, onSubmit }: QuestionFormProps) {
  const [fault, setFault] = useState<string>();
  const set = (part: Partial<Draft>): void => {
    setFault(undefined);
    onChange({ ...draft, ...part });
  };
  const submit = (event?: Event): void => {
    event?.preventDefault();
    const found = faultOf(draft);
    setFault(found);
    if (found === undefined) onSubmit();
  };
  return (
    <form
      class="panel question"
      onSubmit={submit}
      onKeyDown={(event) => {
        if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) submit(event);
      }}
    >
      <fieldset class="choice">
        <legend class="unseen">What is to be explained</legend>
        <Choice kind="operation" draft={draft} set={set}>A request</Choice>
        <Choice kind="key" draft={draft} set={set}>A key or a tag</Choice>
      </fieldset>
      {draft.kind === 'key'
        ? <Text label="Key" name="key" placeholder="user:123" draft={draft} set={set} />
        : <OperationFields draft={draft} set={set} />}
      {fault !== undefined && <p class="notice error" role="alert">{fault}</p>}
      <div class="buttons">
        <button type="submit" class="primary">Explain</button>
      </div>
    </form>
  );
}

interface FieldProps {
  readonly draft: Draft;
  readonly set: (part: Partial<Draft>) => void;
}

function OperationFields({ draft, set }: FieldProps) {
  return (
    <>
      <Area label="Query" name="query" rows={6} draft={draft} set={set}
        placeholder="{ user(id: 1) { name } }" />
      <details open={draft.variables !== '' || draft.headers !== '' || draft.operationName !== ''}>
        <summary>Variables, headers, operation name</summary>
        <Area label="Variables, as JSON" name="variables" rows={2} draft={draft} set={set}
          placeholder={'{ "id": "1" }'} />
        <Area label="Headers, one a line: who asks" name="headers" rows={2} draft={draft} set={set}
          placeholder="authorization: Bearer ..." />
        <Text label="Operation name, where there are several" name="operationName" draft={draft}
          set={set} placeholder="" />
      </details>
    </>
  );
}

function Choice(
  { kind, draft, set, children }: FieldProps & { kind: Draft['kind']; children: ComponentChildren },
) {
  return (
    <label>
      <input
        type="radio"
        name="kind"
        checked={draft.kind === kind}
        onChange={() => set({ kind })}
      />
      {children}
    </label>
  );
}

type TextName = Exclude<keyof Draft, 'kind'>;

interface TextProps extends FieldProps {
  readonly label: string;
  readonly name: TextName;
  readonly placeholder: string;
}

function Text(props: TextProps) {
  return (
    <label>
      {props.label}
      <input type="text" {...codeInput(props)} />
    </label>
  );
}

function Area({ rows, ...props }: TextProps & { rows: number }) {
  return (
    <label>
      {props.label}
      <textarea rows={rows} {...codeInput(props)} />
    </label>
  );
}

/** What both kinds of field have that take code and no prose. */
function codeInput({ name, placeholder, draft, set }: TextProps) {
  return {
    class: 'code',
    value: draft[name],
    placeholder,
    spellcheck: false,
    autocapitalize: 'off' as const,
    onInput: ({ currentTarget }: { currentTarget: { value: string } }) =>
      set({ [name]: currentTarget.value }),
  };
}
