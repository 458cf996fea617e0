// C++ with CMake or make: one program, linked so that it needs no library of a compiler.
import { COPY_WGET, HEALTH_BY_WGET, plainName, served, TOOLS } from '../parts.ts';
import type { Block, Language, ProjectFolder } from '../types.ts';

const CACHE = '--mount=type=cache,target=/build';
const SOURCE = /\.(?:cc|cpp|cxx|hpp)$/;

interface Tool {
  readonly base: Block;
  readonly test: readonly string[];
  readonly build: readonly string[];
}

function withCMake(folder: ProjectFolder): Tool {
  const name = /add_executable\s*\(\s*([^\s)]+)/i.exec(folder.read('CMakeLists.txt') ?? '')?.[1];
  const configure = 'cmake -S . -B /build -DCMAKE_BUILD_TYPE=Release -DCMAKE_EXE_LINKER_FLAGS=-static';
  return {
    base: {
      why: 'Compiler and CMake; the packages that were downloaded stay in cache mounts.',
      lines: [
        'FROM debian:bookworm-slim AS base',
        'RUN --mount=type=cache,target=/var/cache/apt,sharing=locked --mount=type=cache,target=/var/lib/apt,sharing=locked \\',
        '    apt-get update && apt-get install -y --no-install-recommends g++ cmake make',
        'WORKDIR /src',
        'COPY . .',
      ],
    },
    test: [`RUN ${CACHE} \\`, `    ${configure} && cmake --build /build -j "$(nproc)" && ctest --test-dir /build --output-on-failure`],
    build: [
      `RUN ${CACHE} \\`,
      `    ${configure} && cmake --build /build -j "$(nproc)" \\`,
      ` && mkdir /out && cp /build/${plainName(name, 'app')} /out/app && strip /out/app`,
    ],
  };
}

function withMake(folder: ProjectFolder): Tool {
  const text = folder.read('Makefile') ?? '';
  const name = plainName(/^(?:PROGRAM|TARGET|BIN|NAME)\s*[:?]?=\s*(\S+)\s*$/m.exec(text)?.[1], 'app');
  // objects go where BUILD says, if the Makefile knows that word; then they outlive the build
  const apart = /^BUILD\s*[:?]?=/m.test(text);
  const run = (goal: string): string => `make -j "$(nproc)"${apart ? ' BUILD=/build' : ''} LDFLAGS=-static ${goal}`;
  const cache = apart ? `RUN ${CACHE} \\\n    ` : 'RUN ';
  return {
    base: { why: 'The compiler, in the version of the ARG.', lines: ['FROM gcc:${GCC_VERSION} AS base', 'WORKDIR /src', 'COPY . .'] },
    test: `${cache}${run('test')}`.split('\n'),
    build:
      `${cache}${run(apart ? `/build/${name}` : name)} \\\n && mkdir /out && cp ${apart ? '/build/' : ''}${name} /out/app && strip /out/app`.split(
        '\n',
      ),
  };
}

export const cpp: Language = {
  name: 'cpp',
  title: 'C++',
  recognise: (folder) => {
    const names = folder.list();
    if (names.includes('CMakeLists.txt')) return 'CMakeLists.txt';
    const sources = [...names, ...folder.list('src')].some((name) => SOURCE.test(name));
    return names.includes('Makefile') && sources ? 'Makefile' : undefined;
  },
  write(folder) {
    const cmake = folder.list().includes('CMakeLists.txt');
    const tool = cmake ? withCMake(folder) : withMake(folder);
    return {
      blocks: [
        ...(cmake ? [] : [{ why: 'The version of the compiler in one place; nothing of it is shipped.', lines: ['ARG GCC_VERSION=12'] }]),
        tool.base,
        {
          why: 'For development: build --target development, run a shell in it, and mount the sources over /src.',
          lines: ['FROM base AS development', 'ENV PORT=8080', 'EXPOSE 8080', 'CMD ["bash"]'],
        },
        { why: 'For the pipeline: build --target test fails when a test does.', lines: ['FROM base AS test', ...tool.test] },
        {
          why: 'Linked statically, so that it runs upon nothing; what was compiled outlives the build in a cache mount.',
          lines: ['FROM base AS build', ...tool.build],
        },
        TOOLS,
        {
          why: 'What is shipped: the program, and nothing else.',
          lines: ['FROM scratch AS production', COPY_WGET, 'COPY --from=build /out/app /app'],
        },
        served(HEALTH_BY_WGET, { entrypoint: ['/app'] }),
      ],
      ignore: [{ why: 'What was built here.', patterns: ['build', '*.o', '*.a'] }],
    };
  },
};
