// What directories get once nothing is put into them any more. Replacing a directory forgets what is below it, in time that depends on that
// alone: a layer may replace as many as it likes.

interface Node<T> {
  value?: T;
  readonly below: Map<string, Node<T>>;
}

export class SettledDirectories<T> {
  readonly #root: Node<T> = { below: new Map() };

  /** @param path relative to the root, '' is the root */
  set(path: string, value: T): void {
    let node = this.#root;
    for (const name of namesOf(path)) {
      let next = node.below.get(name);
      if (next === undefined) node.below.set(name, (next = { below: new Map() }));
      node = next;
    }
    node.value = value;
  }

  /** Forgets a directory, which is not the root, and all below it. */
  remove(path: string): void {
    const names = namesOf(path);
    const last = names.pop();
    let node: Node<T> | undefined = this.#root;
    for (const name of names) node = node?.below.get(name);
    if (last !== undefined) node?.below.delete(last);
  }

  /** Every directory after all below it. */
  *[Symbol.iterator](): Generator<[path: string, value: T]> {
    const open: { readonly path: string; readonly node: Node<T>; readonly rest: Iterator<[string, Node<T>]> }[] = [];
    const enter = (path: string, node: Node<T>): void => void open.push({ path, node, rest: node.below[Symbol.iterator]() });
    enter('', this.#root);
    for (let at = open.at(-1); at !== undefined; at = open.at(-1)) {
      const next = at.rest.next();
      if (next.done !== true) {
        const [name, node] = next.value;
        enter(at.path === '' ? name : `${at.path}/${name}`, node);
        continue;
      }
      open.pop();
      if (at.node.value !== undefined) yield [at.path, at.node.value];
    }
  }
}

const namesOf = (path: string): string[] => (path === '' ? [] : path.split('/'));
