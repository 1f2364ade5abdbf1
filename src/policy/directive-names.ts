/**
 * Under which names a document knows the directives that matter here: their own, one that a
 * `@link` imports them `as`, or one in the namespace of a `@link` (`@freshet__cacheControl`).
 * See the core schema specification, https://specs.apollo.dev/link/v1.0.
 */
import { Kind, type ConstDirectiveNode, type ConstValueNode, type DefinitionNode } from 'graphql';

export const POLICY_DIRECTIVES: readonly string[] = [
  'cacheControl', 'cacheStrategy', 'cacheTag', 'cachePurge',
];
export const SCOPE_ENUM = 'CacheControlScope';

const KNOWN = new Set([...POLICY_DIRECTIVES, 'key', 'composeDirective']);

export class DirectiveNames {
  /** Local name -> the name in the specification that it was imported from; `@` included. */
  readonly #imported = new Map<string, string>();
  readonly #namespaces = new Set<string>();

  constructor(definitions: readonly DefinitionNode[]) {
    for (const definition of definitions) {
      const isSchema = definition.kind === Kind.SCHEMA_DEFINITION
        || definition.kind === Kind.SCHEMA_EXTENSION;
      if (!isSchema) continue;
      for (const directive of definition.directives ?? []) {
        if (directive.name.value === 'link') this.#readLink(directive);
      }
    }
  }

  /** The directive that `localName` stands for, if it is one that matters. */
  canonical(localName: string): string | undefined {
    const original = this.#original(`@${localName}`).slice(1);
    return KNOWN.has(original) ? original : undefined;
  }

  isPolicy(localName: string): boolean {
    return POLICY_DIRECTIVES.includes(this.canonical(localName) ?? '');
  }

  isScopeEnum(typeName: string): boolean {
    return this.#original(typeName) === SCOPE_ENUM;
  }

  #original(local: string): string {
    const imported = this.#imported.get(local);
    if (imported !== undefined) return imported;
    const match = /^(@?)(\w+?)__(\w+)$/.exec(local);
    return match !== null && this.#namespaces.has(match[2] ?? '')
      ? `${match[1] ?? ''}${match[3] ?? ''}`
      : local;
  }

  #readLink(link: ConstDirectiveNode): void {
    const { namespace, imports } = readLink(link);
    if (namespace !== undefined) this.#namespaces.add(namespace);
    for (const { name, as } of imports) this.#imported.set(as, name);
  }
}

export interface LinkImport {
  readonly name: string;
  readonly as: string;
  readonly node: ConstValueNode;
}

export interface Link {
  readonly namespace: string | undefined;
  readonly imports: readonly LinkImport[];
}

export function readLink(link: ConstDirectiveNode): Link {
  const url = textOf(argument(link, 'url'));
  const namespace = textOf(argument(link, 'as')) ?? (url === undefined ? url : nameIn(url));
  const list = argument(link, 'import');
  const nodes = list?.kind === Kind.LIST ? list.values : [];
  const imports = nodes.flatMap((node): LinkImport[] => {
    const name = node.kind === Kind.OBJECT ? member(node, 'name') : textOf(node);
    const as = node.kind === Kind.OBJECT ? member(node, 'as') : undefined;
    return name === undefined ? [] : [{ name, as: as ?? name, node }];
  });
  return { namespace, imports };
}

/** `https://specs.apollo.dev/federation/v2.3` -> `federation`: what stands before the version. */
function nameIn(url: string): string | undefined {
  const segments = url.replace(/[?#].*$/, '').split('/').filter((segment) => segment !== '');
  const last = segments.at(-1);
  return last !== undefined && /^v\d+(\.\d+)*$/.test(last) ? segments.at(-2) : last;
}

export function argument(node: ConstDirectiveNode, name: string): ConstValueNode | undefined {
  return node.arguments?.find((candidate) => candidate.name.value === name)?.value;
}

export function textOf(node: ConstValueNode | undefined): string | undefined {
  return node?.kind === Kind.STRING || node?.kind === Kind.ENUM ? node.value : undefined;
}

function member(node: ConstValueNode, name: string): string | undefined {
  if (node.kind !== Kind.OBJECT) return undefined;
  return textOf(node.fields.find((field) => field.name.value === name)?.value);
}
