// Go: one static program upon nothing.
import { COPY_WGET, HEALTH_BY_WGET, served, TOOLS } from '../parts.ts';
import type { Language, ProjectFolder } from '../types.ts';

const CACHES = '--mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build';

/** The package with `func main`: the root, or the only one in cmd/. */
function mainPackage(folder: ProjectFolder): string {
  const commands = folder.list('cmd').filter((name) => /^[\w.-]+$/.test(name));
  const [only] = commands;
  return folder.list().includes('main.go') || commands.length !== 1 || only === undefined ? '.' : `./cmd/${only}`;
}

export const go: Language = {
  name: 'go',
  title: 'Go',
  recognise: (folder) => folder.list().find((name) => name === 'go.mod'),
  write(folder) {
    const main = mainPackage(folder);
    const modules = folder.list().includes('go.sum') ? 'go.mod go.sum' : 'go.mod';
    return {
      blocks: [
        { why: 'The version of the SDK in one place; nothing of the SDK is shipped.', lines: ['ARG GO_VERSION=1.19'] },
        {
          why: 'The modules first: they are fetched again when go.mod changes, and not with every edit.',
          lines: [
            'FROM golang:${GO_VERSION}-bookworm AS base',
            'WORKDIR /src',
            'ENV CGO_ENABLED=0',
            `COPY ${modules} ./`,
            'RUN --mount=type=cache,target=/go/pkg/mod go mod download',
          ],
        },
        {
          why: 'For development: build --target development, and mount the sources over /src.',
          lines: ['FROM base AS development', 'COPY . .', 'ENV PORT=8080', 'EXPOSE 8080', `CMD ["go", "run", "${main}"]`],
        },
        {
          why: 'For the pipeline: build --target test fails when a test does.',
          lines: ['FROM base AS test', 'COPY . .', `RUN ${CACHES} \\`, '    go vet ./... && go test ./...'],
        },
        {
          why: 'Without symbols and paths of this machine; the caches of modules and of the compiler outlive the build.',
          lines: ['FROM base AS build', 'COPY . .', `RUN ${CACHES} \\`, `    go build -trimpath -ldflags="-s -w" -o /out/app ${main}`],
        },
        TOOLS,
        {
          why: 'What is shipped: the program, certificates for calls to others, and nothing else.',
          lines: [
            'FROM scratch AS production',
            'COPY --from=base /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/',
            COPY_WGET,
            'COPY --from=build /out/app /app',
          ],
        },
        served(HEALTH_BY_WGET, { entrypoint: ['/app'] }),
      ],
      ignore: [{ why: 'Programs that were built here, and profiles of tests.', patterns: ['bin', '*.test', '*.out'] }],
    };
  },
};
