/** Reads the arguments of one directive, and reports what is not as the directive defines it. */
import { Kind, type ConstValueNode } from 'graphql';
import { numberProblem, type NumberRange } from './declared-strategy.ts';

/** What was required and what was got; where, is added by who knows it. */
export type Report = (problem: string) => void;

export class DirectiveReader {
  readonly #args: ReadonlyMap<string, ConstValueNode>;
  readonly #report: Report;
  readonly #read = new Set<string>();

  constructor(args: ReadonlyMap<string, ConstValueNode>, report: Report) {
    this.#args = args;
    this.#report = report;
  }

  number(name: string, range: NumberRange): number | undefined {
    const node = this.#take(name);
    if (node === undefined) return undefined;
    const isNumber = node.kind === Kind.INT || (node.kind === Kind.FLOAT && !range.whole);
    const value = isNumber ? Number(node.value) : kindOf(node);
    const problem = numberProblem(value, range);
    if (problem !== undefined) this.#report(`${name}: ${problem}`);
    return problem === undefined ? (value as number) : undefined;
  }

  flag(name: string): boolean | undefined {
    const node = this.#take(name);
    if (node === undefined || node.kind === Kind.BOOLEAN) return node?.value;
    this.#report(`${name}: true or false was required, got ${kindOf(node)}.`);
    return undefined;
  }

  choice<Value extends string>(name: string, values: readonly Value[]): Value | undefined {
    const node = this.#take(name);
    if (node === undefined) return undefined;
    const got = node.kind === Kind.ENUM || node.kind === Kind.STRING ? node.value : kindOf(node);
    const value = values.find((one) => one === got);
    if (value !== undefined) return value;
    this.#report(`${name}: ${values.join(' or ')} was required, got ${got}.`);
    return undefined;
  }

  string(name: string): string | undefined {
    const node = this.#take(name);
    if (node === undefined || node.kind === Kind.STRING) return node?.value;
    this.#report(`${name}: a string was required, got ${kindOf(node)}.`);
    return undefined;
  }

  /** A required string, or a list of them. */
  strings(name: string): readonly string[] {
    const node = this.#take(name);
    const nodes = node?.kind === Kind.LIST ? node.values : node === undefined ? [] : [node];
    if (node === undefined) this.#report(`${name}: a string was required, got none.`);
    return nodes.flatMap((value) => {
      if (value.kind === Kind.STRING) return [value.value];
      this.#report(`${name}: a string was required, got ${kindOf(value)}.`);
      return [];
    });
  }

  /** A misspelt argument would leave something cached that should not be. */
  end(): void {
    for (const name of this.#args.keys()) {
      if (!this.#read.has(name)) {
        const known = [...this.#read].join(', ');
        this.#report(`one of the arguments ${known} was required, got ${name}.`);
      }
    }
  }

  #take(name: string): ConstValueNode | undefined {
    this.#read.add(name);
    const node = this.#args.get(name);
    return node?.kind === Kind.NULL ? undefined : node;
  }
}

function kindOf(node: ConstValueNode): string {
  return 'value' in node ? String(node.value) : node.kind;
}
