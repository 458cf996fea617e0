// The notes, in memory.
export interface Note {
  readonly id: number;
  readonly text: string;
}

export class Notes {
  readonly #notes = new Map<number, Note>();
  #next = 1;

  /** @throws RangeError for a text that is empty or longer than 500 characters */
  add(text: string): Note {
    const trimmed = text.trim();
    if (trimmed === '' || trimmed.length > 500) throw new RangeError('a note has 1 to 500 characters');
    const note = { id: this.#next++, text: trimmed };
    this.#notes.set(note.id, note);
    return note;
  }

  remove(id: number): boolean {
    return this.#notes.delete(id);
  }

  all(): Note[] {
    return [...this.#notes.values()];
  }
}
