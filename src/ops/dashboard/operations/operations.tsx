/** Which operations the cache helps most, which it could help, and how. */
import { useState } from 'preact/hooks';
import type { ViewProps } from '../app.tsx';
import type { TopOperations } from '../../admin/dashboard-answers.ts';
import { countText } from '../format.ts';
import { Loading, Notice } from '../parts/notice.tsx';
import { Panel, Scroll } from '../parts/panel.tsx';
import { RefusalNotice } from '../parts/refusal-notice.tsx';
import { Table } from '../parts/table.tsx';
import { useAnswer } from '../parts/use-answer.ts';
import { linkTo } from '../address.ts';
import { OperationRow } from './operation-row.tsx';

const AGAIN_MS = 5_000;

const ORDERS = { saved: 'Load saved', misses: 'Misses' } as const;
type Order = keyof typeof ORDERS;

/** As the node names them. */
const SORTS: Readonly<Record<Order, string>> = { saved: 'saved', misses: 'unsaved' };

export function OperationsView({ parameters }: ViewProps) {
  const order: Order = parameters['by'] === 'misses' ? 'misses' : 'saved';
  const [opened, setOpened] = useState<string>();
  const { answer, refusal, isLoading } = useAnswer<TopOperations>('admin/operations', {
    query: { sort: SORTS[order] }, everyMs: AGAIN_MS,
  });
  if (answer === undefined && refusal !== undefined) return <RefusalNotice refusal={refusal} />;
  return (
    <>
      {refusal !== undefined && <RefusalNotice refusal={refusal} />}
      <nav class="tabs" aria-label="Order">
        {(Object.keys(ORDERS) as Order[]).map((one) => (
          <a
            key={one}
            href={linkTo('operations', one === 'saved' ? {} : { by: one })}
            aria-current={one === order ? 'true' : undefined}
          >
            By {ORDERS[one].toLowerCase()}
          </a>
        ))}
      </nav>
      {answer === undefined ? isLoading && <Loading what="operations" /> : (
        <Panel title={`Top operations by ${ORDERS[order].toLowerCase()}`}>
          {answer.operations.length === 0
            ? <Notice title="No operation has been answered yet." />
            : (
              <OperationTable
                operations={answer.operations}
                opened={opened}
                onOpen={(id) => setOpened(id === opened ? undefined : id)}
              />
            )}
          <p class="quiet">
            {countText(answer.known)} are counted
            {answer.forgotten > 0 && `; ${countText(answer.forgotten)} were forgotten for room`}.
            Load saved is hits times what a miss costs, less what the hits took.
          </p>
        </Panel>
      )}
    </>
  );
}

interface OperationTableProps {
  readonly operations: TopOperations['operations'];
  readonly opened: string | undefined;
  readonly onOpen: (id: string) => void;
}

function OperationTable({ operations, opened, onOpen }: OperationTableProps) {
  return (
    <Scroll label="Table of operations">
      <Table
        columns={[
          'Operation', { number: 'Requests' }, { number: 'Hit rate' }, { number: 'Misses' },
          { number: 'A miss costs' }, { number: 'Saved' }, { number: 'Calls saved' },
        ]}
      >
        {operations.map((one) => (
          <OperationRow
            key={one.id}
            operation={one}
            isOpen={one.id === opened}
            onOpen={() => onOpen(one.id)}
          />
        ))}
      </Table>
    </Scroll>
  );
}
