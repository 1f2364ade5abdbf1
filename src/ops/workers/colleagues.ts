/** The other workers of a node, as what an operator asks of one of them is to be told of all. */
export interface Colleagues {
  /** Which of the workers of the node this one is, from 1; who takes its place has the same. */
  readonly place: number;
  /** What this worker tells the others of itself, or does for them, at once or later. */
  tell(subject: string, own: (body: unknown) => unknown): void;
  /** What others tell, of those that have something to tell and do so within a second. */
  ask(subject: string, body?: unknown): Promise<readonly unknown[]>;
}
