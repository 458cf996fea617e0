// Java with Maven: a jar, and a Java runtime cut to what a program needs.
import { COPY_WGET, HEALTH_BY_WGET, served, TOOLS } from '../parts.ts';
import type { Language } from '../types.ts';

const MAVEN = 'RUN --mount=type=cache,target=/root/.m2 mvn --batch-mode --no-transfer-progress';

export const java: Language = {
  name: 'java',
  title: 'Java with Maven',
  recognise: (folder) => folder.list().find((name) => name === 'pom.xml'),
  write: () => ({
    blocks: [
      { why: 'The versions of Maven and Java in one place.', lines: ['ARG MAVEN_VERSION=3.8', 'ARG JAVA_VERSION=17'] },
      {
        why: 'What is fetched stays in a cache mount: it outlives the build, and is in no layer.',
        lines: ['FROM maven:${MAVEN_VERSION}-openjdk-${JAVA_VERSION} AS base', 'WORKDIR /src', 'COPY pom.xml ./', 'COPY src ./src'],
      },
      {
        why: 'For development: build --target development; the program runs from its classes.',
        lines: [
          'FROM base AS development',
          `${MAVEN} package -DskipTests`,
          'ENV PORT=8080',
          'EXPOSE 8080',
          'CMD ["sh", "-c", "exec java -jar $(ls target/*.jar | grep -vE \'sources|javadoc|original\' | head -n 1)"]',
        ],
      },
      { why: 'For the pipeline: build --target test fails when a test does.', lines: ['FROM base AS test', `${MAVEN} verify`] },
      {
        why: 'The jar under a name that does not change with the version.',
        lines: [
          'FROM base AS build',
          `${MAVEN} package -DskipTests \\`,
          " && cp $(ls target/*.jar | grep -vE 'sources|javadoc|original' | head -n 1) /app.jar",
        ],
      },
      {
        why: 'A runtime without compiler, headers and debugging information: a fraction of the JDK. Fewer modules make it smaller still.',
        lines: [
          'FROM base AS runtime',
          'RUN jlink --add-modules java.se,jdk.httpserver,jdk.crypto.ec,jdk.unsupported \\',
          '    --strip-java-debug-attributes --no-header-files --no-man-pages --compress=2 --output /runtime',
        ],
      },
      TOOLS,
      {
        why: 'What is shipped: the runtime and the jar.',
        lines: [
          'FROM debian:bookworm-slim AS production',
          COPY_WGET,
          'COPY --from=runtime /runtime /opt/java',
          'COPY --from=build /app.jar /app.jar',
        ],
      },
      served(HEALTH_BY_WGET, { entrypoint: ['/opt/java/bin/java', '-jar', '/app.jar'] }),
    ],
    ignore: [
      { why: 'What was built here, and settings of editors.', patterns: ['target', '.idea', '.classpath', '.project', '.settings'] },
    ],
  }),
};
