/**
 * What is known of an object that somebody else has made, for as long as that object lives: a
 * WeakMap in all but its cost. A WeakMap that has become old keeps its values alive through each
 * collection of new objects (V8 takes them for roots: scavenger.cc), and a value that holds the
 * request keeps all of that. So every request was copied twice, and collected with the old ones.
 */
export class Attachments<Owner extends object, Value> {
  readonly #name: symbol;
  /** Of what takes no further property, or has that of another. */
  readonly #others = new WeakMap<Owner, Value>();

  /** `what`: for whoever looks at an owner in a debugger. */
  constructor(what: string) {
    this.#name = Symbol(what);
  }

  get(owner: Owner): Value | undefined {
    const held = (owner as Attached<Owner, Value>)[this.#name];
    // A copy of the owner has it as well, and what has the owner as its prototype.
    return held?.owner === owner ? held.value : this.#others.get(owner);
  }

  set(owner: Owner, value: Value): void {
    const name = this.#name;
    const held = (owner as Attached<Owner, Value>)[name];
    const attached: Held<Owner, Value> = { owner, value };
    // What is there already may be of the object that this one is a Proxy of.
    const isFree = held === undefined || !Object.hasOwn(owner, name);
    if (held?.owner === owner) held.value = value;
    else if (!isFree || !Reflect.defineProperty(owner, name, { value: attached })) {
      this.#others.set(owner, value);
    }
  }
}

interface Held<Owner, Value> {
  readonly owner: Owner;
  value: Value;
}

type Attached<Owner, Value> = Readonly<Record<symbol, Held<Owner, Value> | undefined>>;
