/** What stands round every view: the header, the place for the view, and the one for the token. */
import type { FunctionComponent } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { AuditView } from './audit/audit.tsx';
import { ExplainView } from './explain/explain.tsx';
import { Header } from './header.tsx';
import { NodesView } from './nodes/nodes.tsx';
import { OperationsView } from './operations/operations.tsx';
import { OverviewView } from './overview/overview.tsx';
import { ConnectionNotice } from './parts/connection-notice.tsx';
import type { Parameters, View } from './address.ts';
import { route } from './route.ts';
import { lack } from './session.ts';
import { TagsView } from './tags/tags.tsx';
import { TokenForm } from './token-form.tsx';

export interface ViewProps {
  readonly parameters: Parameters;
}

const PAGES: Readonly<Record<View, { title: string; Content: FunctionComponent<ViewProps> }>> = {
  overview: { title: 'Overview', Content: OverviewView },
  tags: { title: 'Tags', Content: TagsView },
  explain: { title: 'Explain', Content: ExplainView },
  nodes: { title: 'Nodes', Content: NodesView },
  audit: { title: 'Audit', Content: AuditView },
  operations: { title: 'Operations', Content: OperationsView },
};

export function App() {
  const { view, parameters } = route.value;
  const { title, Content } = PAGES[view];
  const isAsked = lack.value !== undefined;
  const heading = useRef<HTMLHeadingElement>(null);
  const shown = useRef(view);
  useEffect(() => {
    document.title = `${title} \u2013 Freshet`;
    // Of the first view the reader has not left anything.
    if (shown.current !== view) heading.current?.focus();
    shown.current = view;
  }, [view]);
  return (
    <>
      <SkipLink to={heading} />
      <Header />
      <main>
        <h1 ref={heading} tabIndex={-1}>{isAsked ? 'Who asks?' : title}</h1>
        {isAsked ? <TokenForm /> : (
          <>
            <ConnectionNotice />
            <Content parameters={parameters} />
          </>
        )}
      </main>
    </>
  );
}

/** The hash is the view's, so this cannot be a link to a place in the page. */
function SkipLink({ to }: { to: { readonly current: HTMLElement | null } }) {
  return (
    <button type="button" class="skip" onClick={() => to.current?.focus()}>
      Skip to content
    </button>
  );
}
