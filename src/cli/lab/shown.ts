// A page's Markdown as a terminal shows it: paragraphs wrapped, code as it stands, marks as colour or left out.

export interface Look {
  readonly columns: number;
  readonly color: boolean;
}

/** The widest text that is comfortable to read. */
const COMFORTABLE = 100;

export function shown(markdown: string, { columns, color }: Look): string {
  const width = Math.max(30, Math.min(columns, COMFORTABLE));
  const paint = (code: string, text: string): string => (color ? `\u001b[${code}m${text}\u001b[0m` : text);
  const out: string[] = [];
  let code = false;
  let paragraph: string[] = [];
  const flush = (): void => {
    if (paragraph.length === 0) return;
    const [first = ''] = paragraph;
    const mark = /^ *(?:[-*] |\d+\. )?/.exec(first)?.[0] ?? '';
    const words = paragraph.join(' ').slice(mark.length).split(/\s+/).filter(Boolean);
    let line = mark;
    for (const word of words) {
      const bare = line.trim() === '' || line === mark;
      if (!bare && line.length + 1 + word.length > width) {
        out.push(line);
        line = `${' '.repeat(mark.length)}${word}`;
      } else line += bare ? word : ` ${word}`;
    }
    out.push(line);
    paragraph = [];
  };
  for (const line of markdown.split('\n')) {
    if (/^ *```/.test(line)) {
      flush();
      code = !code;
    } else if (code) out.push(paint('32', line));
    else if (line.trim() === '') {
      flush();
      if (out.at(-1) !== '') out.push('');
    } else if (line.startsWith('#')) {
      flush();
      out.push(paint('1', line.replace(/^#+ /, '')));
    } else {
      if (/^ *(?:[-*] |\d+\. )/.test(line) || /^ {2}Try: /.test(line)) flush();
      paragraph.push(line);
    }
  }
  flush();
  return `${out.join('\n').replaceAll(/\*\*([^*]+)\*\*/g, (_, t: string) => paint('1', t))}\n`;
}
