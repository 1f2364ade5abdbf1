/** Asks for a token, where the node takes no one without. */
import { useState } from 'preact/hooks';
import { lack, logIn } from './session.ts';

export function TokenForm() {
  const [text, setText] = useState('');
  const isRefused = lack.value === 'another';
  const submit = (event: Event): void => {
    event.preventDefault();
    if (text.trim() !== '') logIn(text.trim());
  };
  return (
    <form class="token" onSubmit={submit}>
      <p>
        This node answers operators who bear a token. Which role a token has stands in the
        configuration: <code>read</code> looks, <code>purge</code> invalidates as well,{' '}
        <code>admin</code> may do everything.
      </p>
      {isRefused &&
        <p role="alert" class="notice error">The node does not know this token.</p>}
      <label>
        Token
        <input
          type="password"
          autocomplete="off"
          required
          value={text}
          aria-describedby="token-kept"
          onInput={({ currentTarget }) => setText(currentTarget.value)}
        />
      </label>
      <p id="token-kept" class="quiet">
        Kept in this tab until it is closed, and sent to this node only.
      </p>
      <button type="submit" class="primary">Use token</button>
    </form>
  );
}
