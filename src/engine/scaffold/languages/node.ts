// Node.js, with TypeScript or without: compiled scripts and the packages that they need to run.
import { asRecord, parseJson } from '../../../model/index.ts';
import { health, PORT, served } from '../parts.ts';
import type { Block, Language, ProjectFolder } from '../types.ts';

interface Facts {
  readonly scripts: Readonly<Record<string, unknown>>;
  readonly typescript: boolean;
  /** Whether packages are needed at all, and at run time. */
  readonly any: boolean;
  readonly packages: boolean;
  readonly lock: keyof typeof MANAGERS;
}

/** By the file that pins the packages: its name, where packages are cached, and how they are installed, all or for running only. */
const MANAGERS = {
  npm: { files: 'package.json package-lock.json', cache: '/root/.npm', all: 'npm ci', some: 'npm ci --omit=dev' },
  yarn: {
    files: 'package.json yarn.lock',
    cache: '/usr/local/share/.cache/yarn',
    all: 'yarn install --frozen-lockfile',
    some: 'yarn install --frozen-lockfile --production',
  },
  pnpm: {
    files: 'package.json pnpm-lock.yaml',
    cache: '/root/.local/share/pnpm',
    all: 'corepack pnpm install --frozen-lockfile',
    some: 'corepack pnpm install --frozen-lockfile --prod',
  },
  none: { files: 'package.json', cache: '/root/.npm', all: 'npm install', some: 'npm install --omit=dev' },
} as const;

function factsOf(folder: ProjectFolder): Facts {
  const text = folder.read('package.json') ?? '{}';
  const manifest = parseJson(Buffer.from(text), 'init.package-json', 'package.json');
  const names = folder.list();
  const of = (field: string): Record<string, unknown> => asRecord(manifest[field]) ?? {};
  return {
    scripts: of('scripts'),
    typescript: names.includes('tsconfig.json') || 'typescript' in of('devDependencies'),
    any: 'workspaces' in manifest || ['dependencies', 'devDependencies', 'optionalDependencies'].some((f) => Object.keys(of(f)).length > 0),
    packages: 'workspaces' in manifest || Object.keys(of('dependencies')).length > 0,
    lock: names.includes('package-lock.json')
      ? 'npm'
      : names.includes('yarn.lock')
        ? 'yarn'
        : names.includes('pnpm-lock.yaml')
          ? 'pnpm'
          : 'none',
  };
}

/** `node dist/server.js` is started as it is, so that signals reach it; npm would stand in between. */
function startOf({ scripts }: Facts): readonly string[] {
  const start = typeof scripts['start'] === 'string' ? scripts['start'] : '';
  const direct = /^node ((?:[\w./@=-]+ ?)+)$/.exec(start.trim())?.[1];
  return direct === undefined ? ['npm', 'start'] : ['node', ...direct.trim().split(' ')];
}

function dependencies(f: Facts): Block[] {
  if (!f.any) return [];
  const m = MANAGERS[f.lock];
  const install = (command: string): string => `RUN --mount=type=cache,target=${m.cache} ${command}`;
  const blocks: Block[] = [
    {
      why: 'All packages, by the lock file alone: they are installed again when it changes, and not with every edit.',
      lines: ['FROM base AS dependencies', `COPY ${m.files} ./`, install(m.all)],
    },
  ];
  if (f.packages)
    blocks.push({
      why: 'The packages that the program needs to run: compilers and test tools stay behind.',
      lines: ['FROM base AS runtime-dependencies', `COPY ${m.files} ./`, install(m.some)],
    });
  return blocks;
}

export const node: Language = {
  name: 'node',
  title: 'Node.js',
  recognise: (folder) => folder.list().find((name) => name === 'package.json'),
  write(folder) {
    const f = factsOf(folder);
    const built = typeof f.scripts['build'] === 'string';
    const sources = [...(f.any ? ['COPY --from=dependencies /app/node_modules ./node_modules'] : []), 'COPY . .'];
    const output = f.typescript ? 'dist' : '.';
    return {
      blocks: [
        { why: 'The version of Node.js in one place.', lines: ['ARG NODE_VERSION=18'] },
        {
          why: 'What all stages stand on.',
          lines: ['FROM node:${NODE_VERSION}-bookworm-slim AS base', 'WORKDIR /app'],
        },
        ...dependencies(f),
        {
          why: 'For development: build --target development, and mount the sources over /app/src.',
          lines: [
            'FROM base AS development',
            ...sources,
            'ENV NODE_ENV=development PORT=8080',
            'EXPOSE 8080',
            `CMD ${typeof f.scripts['dev'] === 'string' ? '["npm", "run", "dev"]' : '["npm", "start"]'}`,
          ],
        },
        {
          why: 'For the pipeline: build --target test fails when a test does.',
          lines: ['FROM base AS test', ...sources, typeof f.scripts['test'] === 'string' ? 'RUN npm test' : 'RUN node --test'],
        },
        ...(built
          ? [
              {
                why: f.typescript
                  ? 'TypeScript becomes JavaScript here; the compiler stays here.'
                  : 'What the build makes; its tools stay here.',
                lines: ['FROM base AS build', ...sources, 'RUN npm run build'],
              },
            ]
          : []),
        {
          why: 'What is shipped: JavaScript, the packages that it needs to run, and Node.js.',
          lines: [
            'FROM base AS production',
            'ENV NODE_ENV=production',
            ...(f.packages ? ['COPY --from=runtime-dependencies /app/node_modules ./node_modules'] : []),
            'COPY package.json ./',
            ...(built ? [`COPY --from=build /app/${output === '.' ? '' : output} ./${output === '.' ? '' : output}`] : ['COPY . .']),
          ],
        },
        served(
          health(['node', '-e', `fetch('http://127.0.0.1:${PORT}/').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))`]),
          {
            user: '1000:1000',
            command: startOf(f),
          },
        ),
      ],
      ignore: [
        {
          why: 'Packages and output are made in the image, for its system.',
          patterns: ['node_modules', 'dist', 'coverage', '*.tsbuildinfo', 'npm-debug.log'],
        },
      ],
    };
  },
};
