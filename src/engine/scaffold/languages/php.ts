// PHP: sources and their packages upon the interpreter, which serves them itself.
import { asRecord, parseJson } from '../../../model/index.ts';
import { health, list, PORT, served } from '../parts.ts';
import type { Language, ProjectFolder } from '../types.ts';

const serve = (port: number, root: string): readonly string[] => ['php', '-S', `0.0.0.0:${port}`, '-t', root];

function testCommand(folder: ProjectFolder): string {
  const manifest = parseJson(Buffer.from(folder.read('composer.json') ?? '{}'), 'init.composer-json', 'composer.json');
  if (asRecord(manifest['scripts'])?.['test'] !== undefined) return 'RUN composer run-script test';
  return folder.list('tests').includes('run.php')
    ? 'RUN php tests/run.php'
    : "RUN find . -name '*.php' -not -path './vendor/*' -exec php -l {} +";
}

export const php: Language = {
  name: 'php',
  title: 'PHP',
  recognise: (folder) =>
    folder.list().find((name) => name === 'composer.json') ??
    [...folder.list(), ...folder.list('public')].find((name) => name === 'index.php'),
  write(folder) {
    const names = folder.list();
    const composer = names.includes('composer.json');
    const root = folder.list('public').includes('index.php') ? 'public' : '.';
    const files = names.includes('composer.lock') ? 'composer.json composer.lock' : 'composer.json';
    const install = 'RUN --mount=type=cache,target=/tmp/cache composer install --no-interaction --no-scripts --no-autoloader';
    const vendor = composer ? ['COPY --from=vendor /app/vendor ./vendor'] : [];
    return {
      blocks: [
        {
          why: 'The versions of PHP and Composer in one place.',
          lines: ['ARG PHP_VERSION=8.2', ...(composer ? ['ARG COMPOSER_VERSION=2.5'] : [])],
        },
        {
          why: 'What all stages stand on; several workers, since one serves one request at a time.',
          lines: ['FROM php:${PHP_VERSION}-cli-bookworm AS base', 'WORKDIR /app', 'ENV PHP_CLI_SERVER_WORKERS=4'],
        },
        ...(composer
          ? [
              {
                why: 'All packages, by the lock file: they are installed again when it changes, and not with every edit.',
                lines: ['FROM composer:${COMPOSER_VERSION} AS dependencies', 'WORKDIR /app', `COPY ${files} ./`, install],
              },
            ]
          : []),
        {
          why: 'For development: build --target development, and mount the sources over /app.',
          lines: [
            composer ? 'FROM dependencies AS development' : 'FROM base AS development',
            'COPY . .',
            ...(composer ? ['RUN composer dump-autoload'] : []),
            'EXPOSE 8080',
            `CMD ${list(serve(8080, root))}`,
          ],
        },
        {
          why: 'For the pipeline: build --target test fails when a test does.',
          lines: [
            composer ? 'FROM dependencies AS test' : 'FROM base AS test',
            'COPY . .',
            ...(composer ? ['RUN composer dump-autoload'] : []),
            testCommand(folder),
          ],
        },
        ...(composer
          ? [
              {
                why: 'The packages that the program needs to run, and a list of its classes; Composer itself stays here.',
                lines: [
                  'FROM dependencies AS vendor',
                  'COPY . .',
                  `${install.replace(' --no-autoloader', '')} --no-dev --classmap-authoritative`,
                ],
              },
            ]
          : []),
        {
          why: 'What is shipped: the interpreter, the sources and their packages.',
          lines: [
            'FROM base AS production',
            ...vendor,
            ...(root === 'public' ? ['COPY public ./public', ...(names.includes('src') ? ['COPY src ./src'] : [])] : ['COPY . .']),
          ],
        },
        served(health(['php', '-r', `exit(@file_get_contents('http://127.0.0.1:${PORT}/') === false ? 1 : 0);`]), {
          command: serve(PORT, root),
        }),
      ],
      ignore: [{ why: 'Packages are installed in the image.', patterns: ['vendor', '.phpunit.cache', '.php-cs-fixer.cache'] }],
    };
  },
};
