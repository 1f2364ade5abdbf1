/** What the checks ask, and the key under which the origin counts it. */
import type { Question } from '../endpoint.ts';

export const itemKey = (id: string): string => `item:${id}`;
export const shelfKey = (shelf: string): string => `items:${shelf}`;

export function itemQuestion(id: string): Question {
  return {
    query: 'query Item($id: ID!) { item(id: $id) { id name version } }',
    variables: { id },
  };
}

export function shelfQuestion(shelf: string): Question {
  return {
    query: 'query Shelf($shelf: ID!) { items(shelf: $shelf) { id name } }',
    variables: { shelf },
  };
}

export const ME: Question = { query: '{ me { id } }' };
