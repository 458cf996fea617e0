// A chapter's page (docs/lab/*.md) is the only source of its text and files: documentation for who reads it there, and what
// `slipway lab` prints and writes. Files stand in fenced blocks with a title, ```dockerfile title="app/Dockerfile".

export interface Page {
  readonly title: string;
  readonly minutes: number;
  /** Everything above the hints: what `lab start` prints, without the files. */
  readonly text: string;
  /** Path below the chapter's folder → content. */
  readonly files: ReadonlyMap<string, string>;
  /** From the vague to the plain. */
  readonly hints: readonly string[];
  readonly solution: string;
}

const FENCE = /^( *)(`{3,})([^\n]*)\n([\s\S]*?)^\1\2 *$\n?/gm;
const TITLE = /\btitle="([^"]+)"/;

/** @throws TypeError for a page that is not one: pages are part of the program. */
export function parsePage(markdown: string): Page {
  const [head = '', ...sections] = markdown.split(/^(?=## (?:Hints|Solution)$)/m);
  const section = (name: string): string => sections.find((s) => s.startsWith(`## ${name}\n`))?.slice(name.length + 4) ?? '';
  const title = /^# (.+)$/m.exec(head)?.[1];
  const minutes = /^\*(\d+) minutes\*$/m.exec(head)?.[1];
  if (title === undefined || minutes === undefined) throw new TypeError('a page needs a title and its minutes');
  const files = new Map<string, string>();
  const text = head.replace(FENCE, (block, _indent: string, _fence: string, info: string, content: string) => {
    const path = TITLE.exec(info)?.[1];
    if (path === undefined) return block;
    files.set(path, content);
    return '';
  });
  return {
    title,
    minutes: Number(minutes),
    text: text
      .replace(/^# .+$/m, '')
      .replace(/^\*\d+ minutes\*$/m, '')
      .replace(/\n{3,}/g, '\n\n')
      .trim(),
    files,
    hints: section('Hints')
      .split(/^\d+\. /m)
      .map((hint) => hint.replace(/\s+/g, ' ').trim())
      .filter(Boolean),
    solution: [...section('Solution').matchAll(FENCE)].map((m) => m[4] ?? '').join('\n'),
  };
}
