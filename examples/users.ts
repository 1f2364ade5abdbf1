/** What the example services keep; a table, in a service. */
export interface User {
  readonly id: string;
  readonly name: string;
  /** Grows with each change. */
  readonly version: number;
}

export class Users {
  readonly #users = new Map<string, User>();

  add(name: string): Promise<User> {
    const user = { id: String(this.#users.size + 1), name, version: 1 };
    this.#users.set(user.id, user);
    return Promise.resolve(user);
  }

  rename(id: string, name: string): Promise<User | undefined> {
    const before = this.#users.get(id);
    if (before === undefined) return Promise.resolve(undefined);
    const user = { id, name, version: before.version + 1 };
    this.#users.set(id, user);
    return Promise.resolve(user);
  }
}
