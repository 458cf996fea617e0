// .NET: what `dotnet publish` makes, upon the runtime of ASP.NET.
import { COPY_WGET, HEALTH_BY_WGET, plainName, PORT, served, TOOLS } from '../parts.ts';
import type { Language, ProjectFolder } from '../types.ts';

/** The project file: in the folder itself, or in a folder of it that is not one of tests. */
function projectOf(folder: ProjectFolder): string | undefined {
  const inside = (path: string): string | undefined => folder.list(path).find((name) => /^[\w.+-]+\.csproj$/.test(name));
  const top = inside('.');
  if (top !== undefined) return top;
  for (const name of folder.list().filter((n) => /^[\w.+-]+$/.test(n) && !/tests?$/i.test(n))) {
    const found = inside(name);
    if (found !== undefined) return `${name}/${found}`;
  }
  return undefined;
}

export const dotnet: Language = {
  name: 'dotnet',
  title: '.NET',
  recognise: (folder) => projectOf(folder) ?? folder.list().find((name) => name.endsWith('.sln')),
  write(folder) {
    const project = projectOf(folder) ?? 'App.csproj';
    const name = plainName(
      project
        .split('/')
        .at(-1)
        ?.replace(/\.csproj$/, ''),
      'App',
    );
    const tests = folder.list().find((n) => /^[\w.+-]*tests?$/i.test(n) && folder.list(n).some((file) => file.endsWith('.csproj')));
    const nuget = 'RUN --mount=type=cache,target=/root/.nuget/packages';
    return {
      blocks: [
        { why: 'The version of .NET in one place.', lines: ['ARG DOTNET_VERSION=8.0'] },
        {
          why: 'The SDK; packages that were fetched stay in a cache mount.',
          lines: ['FROM mcr.microsoft.com/dotnet/sdk:${DOTNET_VERSION}-bookworm-slim AS base', 'WORKDIR /src', 'COPY . .'],
        },
        {
          why: 'For development: build --target development, and mount the sources over /src.',
          lines: [
            'FROM base AS development',
            'ENV ASPNETCORE_HTTP_PORTS=8080 DOTNET_USE_POLLING_FILE_WATCHER=1',
            'EXPOSE 8080',
            `CMD ["dotnet", "watch", "run", "--project", "${project}"]`,
          ],
        },
        {
          why: 'For the pipeline: build --target test fails when a test does.',
          lines: ['FROM base AS test', `${nuget} dotnet test${tests === undefined ? '' : ` ${tests}`}`],
        },
        {
          why: 'What is needed to run, and no SDK.',
          lines: ['FROM base AS build', `${nuget} dotnet publish ${project} --configuration Release --output /out`],
        },
        TOOLS,
        {
          why: 'What is shipped: the program upon the runtime.',
          lines: [
            'FROM mcr.microsoft.com/dotnet/aspnet:${DOTNET_VERSION}-bookworm-slim AS production',
            'WORKDIR /app',
            COPY_WGET,
            'COPY --from=build /out ./',
            `ENV ASPNETCORE_HTTP_PORTS=${PORT}`,
          ],
        },
        served(HEALTH_BY_WGET, { user: '1654:1654', entrypoint: ['dotnet', `${name}.dll`] }),
      ],
      ignore: [{ why: 'What was built here, for this system.', patterns: ['**/bin', '**/obj', '.vs'] }],
    };
  },
};
