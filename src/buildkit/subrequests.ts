// What clients ask about a Dockerfile beside building it.
import type { BuildOperation, Caller } from '../engine/index.ts';
import { SlipwayError } from '../model/index.ts';
import type { BuildKitOptions } from './options.ts';

/** What is asked about a Dockerfile without building it (frontend/subrequests). */
export async function subrequest(
  perform: BuildKitOptions['perform'],
  name: string,
  request: BuildOperation['request'],
  caller: Caller,
): Promise<Record<string, Uint8Array>> {
  const json = (value: unknown, text: string): Record<string, Uint8Array> => ({
    'result.json': Buffer.from(JSON.stringify(value)),
    'result.txt': Buffer.from(text),
    version: Buffer.from('1.0.0'),
  });
  switch (name) {
    case 'frontend.lint': {
      const checked = await perform({ kind: 'check', request }, caller);
      const warnings = checked.warnings.map((w) => ({
        ruleName: w.rule,
        description: w.description,
        url: w.url,
        detail: w.message,
        location: {
          sourceIndex: Math.max(
            0,
            checked.files.findIndex(({ name: file }) => file === w.source.file),
          ),
          ranges: [{ start: { line: w.source.range.start.line, character: 0 }, end: { line: w.source.range.end.line, character: 0 } }],
        },
      }));
      const lint = {
        warnings,
        sources: checked.files.map((file) => ({
          filename: file.name,
          language: 'Dockerfile',
          data: Buffer.from(file.text).toString('base64'),
        })),
        ...(checked.error && { buildError: { message: checked.error.message, location: { sourceIndex: 0, ranges: [] } } }),
      };
      const text = checked.warnings
        .map((w) => `\nWARNING: ${w.rule} - ${w.url}\n${w.description}\n${w.source.file}:${w.source.range.start.line}\n`)
        .join('');
      return { ...json(lint, text), 'result.statuscode': Buffer.from(checked.warnings.length > 0 || checked.error ? '1' : '0') };
    }
    case 'frontend.outline': {
      const { text: _, ...outline } = await perform({ kind: 'outline', request }, caller);
      return json(outline, JSON.stringify(outline));
    }
    case 'frontend.targets': {
      const { targets } = await perform({ kind: 'targets', request }, caller);
      return json({ targets }, targets.map((t) => `${t.name ?? ''}${t.default ? ' (default)' : ''}\n`).join(''));
    }
    default:
      throw new SlipwayError('unsupported', 'buildkit.subrequest', `the frontend does not answer ${name}`);
  }
}
