// How long the language takes: 20,000 lines parsed and expanded, one file of 10 MB, and deep nesting. Median of 9 runs, in ms.
//
//   npm run bench:language
import { declareArgs, expandInstruction, parseDockerfile, type Environment } from '../src/dockerfile/index.ts';

/** A Dockerfile of many stages in which every instruction has something to expand. */
function manyLines(lines: number): string {
  const out: string[] = ['ARG VERSION=1.2', 'ARG BASE=debian:${VERSION}'];
  for (let stage = 0; out.length < lines; stage++) {
    out.push(
      `FROM \${BASE} AS stage${stage}`,
      'ARG VERSION',
      'ARG NAME=app-${VERSION:-none}',
      'ENV HOME=/home/${NAME} PATH="/opt/${NAME}/bin:${PATH}"',
      'LABEL version="${VERSION}" name=${NAME}',
      'WORKDIR /srv/${NAME}',
      '# what the program needs',
      'RUN --mount=type=cache,target=/root/.cache \\',
      '    apt-get update && \\',
      '    apt-get install -y --no-install-recommends build-essential',
      'COPY --chown=${USER:-1000}:1000 go.mod go.sum ${NAME}/ ./',
      'COPY <<EOF /etc/${NAME}.conf',
      'name=${NAME}',
      'EOF',
      'EXPOSE 80 ${PORT:-8080}',
      'USER ${NAME}',
      'CMD ["serve", "--port", "8080"]',
      '',
    );
  }
  return out.slice(0, lines).join('\n');
}

function expandAll(text: string): number {
  const dockerfile = parseDockerfile(text);
  let count = 0;
  for (const stage of dockerfile.stages) {
    const values = new Map([['PATH', '/usr/bin']]);
    const env: Environment = { get: (name) => values.get(name) };
    for (const instruction of stage.commands) {
      if (instruction.kind === 'ARG') {
        const declared = declareArgs(instruction, env, { buildArgs: {} });
        for (const arg of declared.args) if (arg.value !== undefined) values.set(arg.key, arg.value);
      } else {
        const expanded = expandInstruction(instruction, env).instruction;
        if (expanded.kind === 'ENV') for (const pair of expanded.pairs) values.set(pair.key, pair.value);
      }
      count++;
    }
  }
  return count;
}

function median(work: () => void): number {
  const times = Array.from({ length: 9 }, () => {
    const start = performance.now();
    work();
    return performance.now() - start;
  });
  return times.sort((a, b) => a - b)[4] ?? 0;
}

const show = (title: string, ms: number): void => console.log(`${title.padEnd(52)} ${ms.toFixed(1).padStart(8)} ms`);

const twenty = manyLines(20_000);
const start = performance.now();
expandAll(twenty);
show('20,000 lines parsed and expanded, the first time', performance.now() - start);
show(
  '20,000 lines parsed and expanded',
  median(() => expandAll(twenty)),
);
const large = manyLines(10 * 40_000).slice(0, 10 << 20);
const whole = large.slice(0, large.lastIndexOf('\nFROM'));
show(
  `${(whole.length / (1 << 20)).toFixed(1)} MiB parsed`,
  median(() => void parseDockerfile(whole)),
);
const oneLine = `FROM scratch\nRUN ${'x \\\n'.repeat(3 << 20)}y\n`;
show(
  `one instruction of ${(oneLine.length / (1 << 20)) | 0} MiB, all continuations`,
  median(() => void parseDockerfile(oneLine)),
);
const deep = `FROM scratch\nENV A=${'${A:-'.repeat(1 << 20)}x${'}'.repeat(1 << 20)}\n`;
show(
  'an ENV nested a million deep, parsed and expanded',
  median(() => void expandAll(deep)),
);
const json = `FROM scratch\nCMD ${'['.repeat(5 << 20)}\n`;
show(
  'a CMD of five million brackets',
  median(() => void parseDockerfile(json)),
);
