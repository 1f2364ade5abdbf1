/**
 * How large an operation is once its fragments are expanded: what it costs to validate and to
 * execute, which the length of its text does not tell. Each fragment is measured once, so a few
 * lines that expand to billions of fields are measured as fast as any others.
 */
import {
  Kind,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type SelectionSetNode,
} from 'graphql';

/** Counted with fragments expanded, each as often as it is spread. */
export interface DocumentSize {
  /** The longest chain of fields inside fields. */
  readonly depth: number;
  readonly aliases: number;
  readonly fields: number;
}

export interface MeasuredDocument extends DocumentSize {
  /** Different response names at the root of one operation. */
  readonly rootFields: number;
  /** A fragment spreads itself, directly or not: the rest says nothing. */
  readonly cyclic: boolean;
}

type Fragments = ReadonlyMap<string, FragmentDefinitionNode>;

/** The largest of each over all operations and fragments of the document. */
export function measureDocument(document: DocumentNode): MeasuredDocument {
  const fragments = fragmentsOf(document);
  const ruler = new Ruler(fragments);
  let [depth, aliases, fields, rootFields] = [0, 0, 0, 0];
  for (const definition of document.definitions) {
    if (!('selectionSet' in definition)) continue;
    const size = ruler.measure(definition.selectionSet);
    depth = Math.max(depth, size.depth);
    aliases = Math.max(aliases, size.aliases);
    fields = Math.max(fields, size.fields);
    if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
    const root = groupFields([definition.selectionSet], fragments);
    rootFields = Math.max(rootFields, root.groups.size);
  }
  return { depth, aliases, fields, rootFields, cyclic: ruler.cyclic };
}

/**
 * How many pairs the rule OverlappingFieldsCanBeMerged has to compare (GraphQL, section 5.3.2): the
 * square of how often one response name stands in one place, and of how many fragments do, known
 * or not. It stops counting at `max`. Only for documents without cycles whose `fields` are bounded.
 */
export function countPairs(document: DocumentNode, max: number): number {
  const fragments = fragmentsOf(document);
  let pairs = 0;
  const visit = (sets: readonly SelectionSetNode[]): void => {
    const { groups, spread } = groupFields(sets, fragments);
    pairs += pairsIn(spread);
    for (const group of groups.values()) {
      pairs += pairsIn(group.length);
      if (pairs > max) return;
      const inner = group.flatMap(({ selectionSet }) => selectionSet ?? []);
      if (inner.length > 0) visit(inner);
    }
  };
  for (const definition of document.definitions) {
    if ('selectionSet' in definition) visit([definition.selectionSet]);
    if (pairs > max) break;
  }
  return pairs;
}

function pairsIn(count: number): number {
  return count * (count - 1) / 2;
}

function fragmentsOf(document: DocumentNode): Fragments {
  return new Map(document.definitions
    .filter((definition) => definition.kind === Kind.FRAGMENT_DEFINITION)
    .map((definition) => [definition.name.value, definition]));
}

interface Place {
  /** The fields by response name. */
  readonly groups: ReadonlyMap<string, readonly FieldNode[]>;
  /** How many different fragments are spread there, directly or not. */
  readonly spread: number;
}

/** What several selection sets hold that stand in one place. */
function groupFields(sets: readonly SelectionSetNode[], fragments: Fragments): Place {
  const groups = new Map<string, FieldNode[]>();
  const spread = new Set<string>();
  const collect = ({ selections }: SelectionSetNode): void => {
    for (const selection of selections) {
      if (selection.kind === Kind.FIELD) {
        const name = (selection.alias ?? selection.name).value;
        const group = groups.get(name);
        if (group) group.push(selection);
        else groups.set(name, [selection]);
      } else if (selection.kind === Kind.INLINE_FRAGMENT) {
        collect(selection.selectionSet);
      } else if (!spread.has(selection.name.value)) {
        spread.add(selection.name.value);
        const fragment = fragments.get(selection.name.value);
        if (fragment) collect(fragment.selectionSet);
      }
    }
  };
  for (const set of sets) collect(set);
  return { groups, spread: spread.size };
}

const NOTHING: DocumentSize = { depth: 0, aliases: 0, fields: 0 };

class Ruler {
  readonly #fragments: Fragments;
  /** `undefined` while the fragment is being measured. */
  readonly #measured = new Map<string, DocumentSize | undefined>();
  cyclic = false;

  constructor(fragments: Fragments) {
    this.#fragments = fragments;
  }

  measure({ selections }: SelectionSetNode): DocumentSize {
    let [depth, aliases, fields] = [0, 0, 0];
    for (const selection of selections) {
      const isField = selection.kind === Kind.FIELD;
      const inner = selection.kind === Kind.FRAGMENT_SPREAD
        ? this.#measureFragment(selection.name.value)
        : selection.selectionSet ? this.measure(selection.selectionSet) : NOTHING;
      depth = Math.max(depth, inner.depth + (isField ? 1 : 0));
      aliases += inner.aliases + (isField && selection.alias ? 1 : 0);
      fields += inner.fields + (isField ? 1 : 0);
    }
    return { depth, aliases, fields };
  }

  #measureFragment(name: string): DocumentSize {
    const fragment = this.#fragments.get(name);
    // An unknown fragment is found by validation.
    if (fragment === undefined) return NOTHING;
    if (this.#measured.has(name)) {
      const known = this.#measured.get(name);
      if (known === undefined) this.cyclic = true;
      return known ?? NOTHING;
    }
    this.#measured.set(name, undefined);
    const size = this.measure(fragment.selectionSet);
    this.#measured.set(name, size);
    return size;
  }
}
