// Python: sources and the packages that they need, upon the interpreter.
import { health, list, PORT, served } from '../parts.ts';
import type { Language, ProjectFolder } from '../types.ts';

/** How it is started: `python -m PACKAGE` for a package with a `__main__.py`, else a script. */
function startOf(folder: ProjectFolder): readonly string[] {
  const names = folder.list();
  const packages = names.filter((name) => /^[A-Za-z_]\w*$/.test(name) && folder.list(name).includes('__main__.py'));
  const [only] = packages;
  if (only !== undefined) return ['python', '-m', only];
  const script = ['main.py', 'app.py', 'server.py'].find((name) => names.includes(name));
  return names.includes('manage.py') && script === undefined
    ? ['python', 'manage.py', 'runserver', `0.0.0.0:${PORT}`, '--noreload']
    : ['python', script ?? 'main.py'];
}

export const python: Language = {
  name: 'python',
  title: 'Python',
  recognise: (folder) =>
    ['requirements.txt', 'pyproject.toml', 'setup.py'].find((name) => folder.list().includes(name)) ??
    folder.list().find((name) => name.endsWith('.py')),
  write(folder) {
    const names = folder.list();
    const start = startOf(folder);
    const wanted = names.includes('requirements.txt')
      ? 'requirements.txt'
      : names.includes('pyproject.toml')
        ? 'pyproject.toml'
        : undefined;
    const pytest = ['requirements-dev.txt', 'pyproject.toml', 'pytest.ini'].some((name) => /pytest/.test(folder.read(name) ?? ''));
    const pip = (what: string): string => `RUN --mount=type=cache,target=/root/.cache/pip pip install --target /packages ${what}`;
    const packages = ['COPY --from=packages /packages /packages', 'ENV PYTHONPATH=/packages PATH=/packages/bin:$PATH'];
    const install =
      wanted === undefined
        ? []
        : [
            {
              why: 'Packages in a folder of their own, which other stages copy; pip and its cache stay here.',
              lines: [
                'FROM base AS packages',
                ...(wanted === 'requirements.txt' ? ['COPY requirements.txt ./'] : ['COPY . .']),
                'RUN mkdir /packages',
                pip(wanted === 'requirements.txt' ? '-r requirements.txt' : '.'),
              ],
            },
          ];
    const from = wanted === undefined ? [] : packages;
    return {
      blocks: [
        { why: 'The version of Python in one place.', lines: ['ARG PYTHON_VERSION=3.11'] },
        {
          why: 'What all stages stand on: output comes at once, and no compiled files are left in the layers.',
          lines: [
            'FROM python:${PYTHON_VERSION}-slim-bookworm AS base',
            'WORKDIR /app',
            'ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1',
          ],
        },
        ...install,
        {
          why: 'For development: build --target development, and mount the sources over /app.',
          lines: ['FROM base AS development', ...from, 'COPY . .', 'ENV PORT=8080', 'EXPOSE 8080', `CMD ${list(start)}`],
        },
        {
          why: 'For the pipeline: build --target test fails when a test does.',
          lines: [
            'FROM base AS test',
            ...from,
            'COPY . .',
            ...(pytest
              ? [pip(names.includes('requirements-dev.txt') ? '-r requirements-dev.txt' : 'pytest'), 'RUN python -m pytest']
              : ['RUN python -m unittest discover -v']),
          ],
        },
        {
          why: 'What is shipped: the sources without their tests (see .dockerignore), and their packages.',
          lines: ['FROM base AS production', ...from, ...sourcesOf(folder, start)],
        },
        served(health(['python', '-c', `import urllib.request as r; r.urlopen('http://127.0.0.1:${PORT}/', timeout=2)`]), {
          command: start,
        }),
      ],
      ignore: [
        {
          why: 'Environments and compiled files of this machine.',
          patterns: ['.venv', 'venv', '**/__pycache__', '**/*.pyc', '.pytest_cache', '.mypy_cache', '*.egg-info', 'dist', 'build'],
        },
      ],
    };
  },
};

/** A package alone where it is all; else everything. */
function sourcesOf(folder: ProjectFolder, start: readonly string[]): string[] {
  const name = start[2];
  return start[1] === '-m' && name !== undefined && !folder.list().includes('pyproject.toml') ? [`COPY ${name} ./${name}`] : ['COPY . .'];
}
