// Rust: one static program upon nothing.
import { COPY_WGET, HEALTH_BY_WGET, plainName, served, TOOLS } from '../parts.ts';
import type { Language, ProjectFolder } from '../types.ts';

const CACHES = '--mount=type=cache,target=/var/cache/cargo --mount=type=cache,target=/src/target';

/** The name of the program: of the first [[bin]], else of the package. */
function programOf(folder: ProjectFolder): string {
  const text = folder.read('Cargo.toml') ?? '';
  const name = (section: string): string | undefined => new RegExp(`^\\[+${section}\\]+[^[]*?^name\\s*=\\s*"([^"]+)"`, 'm').exec(text)?.[1];
  return plainName(name('bin') ?? name('package'), 'app');
}

export const rust: Language = {
  name: 'rust',
  title: 'Rust',
  recognise: (folder) => folder.list().find((name) => name === 'Cargo.toml'),
  write(folder) {
    const program = programOf(folder);
    const locked = folder.list().includes('Cargo.lock') ? ' --locked' : '';
    const target = '$(uname -m)-unknown-linux-gnu';
    return {
      blocks: [
        { why: 'The version of Rust in one place; nothing of it is shipped.', lines: ['ARG RUST_VERSION=1.63'] },
        {
          why: 'What all stages stand on. The C library goes into the program, so that this runs upon nothing.',
          lines: [
            'FROM rust:${RUST_VERSION}-slim AS base',
            'WORKDIR /src',
            'ENV CARGO_HOME=/var/cache/cargo RUSTFLAGS="-C target-feature=+crt-static"',
            'COPY . .',
          ],
        },
        {
          why: 'For development: build --target development, and mount the sources over /src.',
          lines: ['FROM base AS development', 'ENV PORT=8080', 'EXPOSE 8080', 'CMD ["cargo", "run"]'],
        },
        {
          why: 'For the pipeline: build --target test fails when a test does.',
          lines: ['FROM base AS test', `RUN ${CACHES} \\`, `    cargo test${locked} --target ${target}`],
        },
        {
          why: 'Crates and what was compiled stay in cache mounts, so the program is copied out of them.',
          lines: [
            'FROM base AS build',
            `RUN ${CACHES} \\`,
            `    cargo build --release${locked} --target ${target} \\`,
            ` && mkdir /out && cp target/${target}/release/${program} /out/app && strip /out/app`,
          ],
        },
        TOOLS,
        {
          why: 'What is shipped: the program, and nothing else.',
          lines: ['FROM scratch AS production', COPY_WGET, 'COPY --from=build /out/app /app'],
        },
        served(HEALTH_BY_WGET, { entrypoint: ['/app'] }),
      ],
      ignore: [{ why: 'What was built here.', patterns: ['target', '**/*.rs.bk'] }],
    };
  },
};
