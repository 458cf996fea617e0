// A page for each build check: a Dockerfile that the check warns of, why, and one without the fault. The output shown is computed here and compared with
// the program's by documents.test.ts.
import { warningsText } from '../src/cli/build/call.ts';
import { checkDockerfile, parseDockerfile, ruleSlug, ruleUrl } from '../src/dockerfile/index.ts';
import { RULES, type RuleName } from '../src/dockerfile/checks/rules.ts';

interface Example {
  readonly bad: string;
  readonly why: string;
  readonly good: string;
  /** More files of the contexts, by name. */
  readonly files?: Readonly<Record<string, string>>;
  readonly flags?: string;
}

const SECRET_STEP = 'echo "$API_TOKEN" | md5sum > /fingerprint';

export const EXAMPLES: Readonly<Record<RuleName, Example>> = {
  StageNameCasing: {
    bad: 'FROM busybox AS Build\nRUN echo hull > /hull\n\nFROM busybox\nCOPY --from=Build /hull /hull\n',
    why: 'Stage names are not case-sensitive: `--from=build` and `--target BUILD` find the stage `Build` too. Capitals suggest a difference that does not exist.',
    good: 'FROM busybox AS build\nRUN echo hull > /hull\n\nFROM busybox\nCOPY --from=build /hull /hull\n',
  },
  FromAsCasing: {
    bad: 'FROM busybox as build\nRUN echo hull > /hull\n',
    why: '`FROM` and `AS` belong to one instruction. It builds either way; the same case for both makes the stage name easier to find.',
    good: 'FROM busybox AS build\nRUN echo hull > /hull\n',
  },
  NoEmptyContinuation: {
    bad: 'FROM busybox\nRUN echo one > /lines && \\\n\n    echo two >> /lines\n',
    why: 'The backslash continues the instruction across the empty line, although the file looks as if it ended there. Docker announced that a later version refuses such lines. A comment line is allowed.',
    good: 'FROM busybox\nRUN echo one > /lines && \\\n    # the second line\n    echo two >> /lines\n',
  },
  ConsistentInstructionCasing: {
    bad: 'FROM busybox\nRUN echo hull > /hull\ncmd ["cat", "/hull"]\n',
    why: 'Instructions work in upper and lower case. One case throughout makes them easy to tell from their arguments; upper case is usual.',
    good: 'FROM busybox\nRUN echo hull > /hull\nCMD ["cat", "/hull"]\n',
  },
  DuplicateStageName: {
    bad: 'FROM busybox AS build\nRUN echo hull > /hull\n\nFROM busybox AS build\nRUN echo mast > /mast\n',
    why: 'With two stages of one name, a reader cannot see which one `COPY --from=build` and `--target build` use.',
    good: 'FROM busybox AS hull\nRUN echo hull > /hull\n\nFROM busybox AS mast\nRUN echo mast > /mast\n',
  },
  ReservedStageName: {
    bad: 'FROM busybox AS scratch\nRUN echo hull > /hull\n',
    why: '`scratch` is the empty base image and `context` the build context. A stage of that name can be confused with them.',
    good: 'FROM busybox AS build\nRUN echo hull > /hull\n',
  },
  JSONArgsRecommended: {
    bad: 'FROM busybox\nCMD httpd -f -p 8080\n',
    why: 'The shell form runs `/bin/sh -c "httpd …"`. The shell is then process 1 and receives the signals of `slipway stop`; the program may not stop until it is killed. Arguments of `slipway run` do not reach an `ENTRYPOINT` in shell form. If you need a shell, name it: `["sh", "-c", "exec httpd -p $PORT"]`.',
    good: 'FROM busybox\nCMD ["httpd", "-f", "-p", "8080"]\n',
  },
  MaintainerDeprecated: {
    bad: 'FROM busybox\nMAINTAINER shipwright@example.com\n',
    why: '`MAINTAINER` is deprecated. A label holds the same information, and tools can read and filter labels.',
    good: 'FROM busybox\nLABEL org.opencontainers.image.authors="shipwright@example.com"\n',
  },
  UndefinedArgInFrom: {
    bad: 'FROM busybox${VERSION}\n',
    why: 'Only arguments declared **before the first `FROM`** can be used in `FROM`. An undeclared one is empty, whatever `--build-arg` says, so the build silently uses another image.',
    good: 'ARG VERSION=:latest\nFROM busybox${VERSION}\n',
  },
  WorkdirRelativePath: {
    bad: 'FROM busybox\nWORKDIR app\n',
    why: 'A relative `WORKDIR` starts from the working directory of the base image. When that image changes, files end up elsewhere. After an absolute `WORKDIR` in the same stage a relative one is fine.',
    good: 'FROM busybox\nWORKDIR /app\n',
  },
  UndefinedVar: {
    bad: 'FROM busybox\nENV APP=shop\nWORKDIR /opt/$AP\n',
    why: 'An undefined variable expands to nothing: a typing mistake changes a path instead of failing the build. Declare variables with `ARG` or `ENV` in the stage that uses them; an `ARG` above the first `FROM` must be declared again in each stage.',
    good: 'FROM busybox\nENV APP=shop\nWORKDIR /opt/$APP\n',
  },
  MultipleInstructionsDisallowed: {
    bad: 'FROM busybox\nCMD ["echo", "one"]\nCMD ["echo", "two"]\n',
    why: 'Only the last `CMD`, `ENTRYPOINT` or `HEALTHCHECK` of a stage counts. The earlier one has no effect, and a reader may believe that it has.',
    good: 'FROM busybox\nCMD ["echo", "two"]\n',
  },
  LegacyKeyValueFormat: {
    bad: 'FROM busybox\nENV MODE production\n',
    why: 'With a space instead of `=`, everything up to the end of the line is the value: `ENV A 1 B=2` sets one variable, not two. The form is deprecated.',
    good: 'FROM busybox\nENV MODE=production\n',
  },
  RedundantTargetPlatform: {
    bad: 'FROM --platform=$TARGETPLATFORM busybox\n',
    why: '`FROM` uses the target platform by default. `--platform` is useful with `$BUILDPLATFORM`, for a stage that cross-compiles.',
    good: 'FROM busybox\n',
  },
  SecretsUsedInArgOrEnv: {
    bad: `FROM busybox\nARG API_TOKEN\nRUN ${SECRET_STEP}\n`,
    why: 'The values of `ARG` and `ENV` are stored in the history and configuration of the image, and everyone who has the image can read them. A secret mount exists only while the step runs ([Secrets](../../guide/secrets.md)). The check looks at names: `PASSWORD`, `TOKEN`, `SECRET` and the like.',
    good: `FROM busybox\nRUN --mount=type=secret,id=token,env=API_TOKEN \\\n    ${SECRET_STEP}\n`,
  },
  InvalidDefaultArgInFrom: {
    bad: 'ARG VERSION\nFROM busybox:${VERSION}\n',
    why: 'Without `--build-arg VERSION=…` the base image would be `busybox:`, which is not a valid name. Give the argument a default value, so that a plain build works.',
    good: 'ARG VERSION=latest\nFROM busybox:${VERSION}\n',
    flags: '--build-arg VERSION=latest',
  },
  FromPlatformFlagConstDisallowed: {
    bad: 'FROM --platform=linux/amd64 scratch\nCOPY hull /hull\n',
    why: 'A constant platform forces one architecture, so the file builds a wrong or mixed image for the others. Use `$BUILDPLATFORM` for stages that cross-compile, and no flag elsewhere. A stage for one architecture is fine when its name says so: `AS build-amd64`.',
    good: 'FROM scratch\nCOPY hull /hull\n',
    files: { hull: 'hull\n' },
  },
  CopyIgnoredFile: {
    bad: 'FROM busybox\nCOPY notes.md /notes.md\n',
    why: '`.dockerignore` excludes the file from the context, so `COPY` cannot find it. Copy something else, or remove the pattern from `.dockerignore`.',
    good: 'FROM busybox\nCOPY notes.txt /notes.txt\n',
    files: { '.dockerignore': '*.md\n', 'notes.md': 'keel\n', 'notes.txt': 'keel\n' },
  },
  InvalidDefinitionDescription: {
    bad: '# check=experimental=all\n\n# compiles the program\nFROM busybox AS build\n',
    why: 'A comment directly above a stage or an argument is its description in `slipway build --call targets` and `--call outline`, if it starts with the name. Start it with the name, or separate the comment with an empty line. The check is experimental: `# check=experimental=all` enables it.',
    good: '# check=experimental=all\n\n# build compiles the program\nFROM busybox AS build\n',
  },
  ExposeProtoCasing: {
    bad: 'FROM busybox\nEXPOSE 80/TCP\n',
    why: 'Protocols are written in lower case everywhere else: in `-p`, in `slipway port` and in the configuration of the image.',
    good: 'FROM busybox\nEXPOSE 80/tcp\n',
  },
  NonPortableSyntax: {
    bad: '# slipway:features=retry\n\nFROM busybox\nRUN --retry=3 true\n',
    why: 'The comment `# slipway:features=…` allows syntax that only Slipway has ([Beyond the Dockerfile](../../guide/features.md)); other builders refuse the file. If it need not build elsewhere, say so: `# check=skip=NonPortableSyntax`.',
    good: '# slipway:features=retry\n\nFROM busybox\nRUN i=0; until true || [ $i -ge 3 ]; do i=$((i+1)); done\n',
  },
  ExposeInvalidFormat: {
    bad: 'FROM busybox\nEXPOSE 127.0.0.1:8080:80\n',
    why: '`EXPOSE` documents a port of the container. Which address and port of the machine it gets is decided by `slipway run -p 127.0.0.1:8080:80` ([EXPOSE, -P and -p](../../guide/ports.md)).',
    good: 'FROM busybox\nEXPOSE 80\n',
  },
};

/** What `build --check` prints of a Dockerfile on `busybox`. */
export function checkText(text: string, { files }: Pick<Example, 'files'>): string {
  const dockerfile = parseDockerfile(text);
  const { warnings } = checkDockerfile(dockerfile, {
    globals: new Map(),
    buildArgs: {},
    platformArgs: new Map([['TARGETPLATFORM', 'linux/amd64']]),
    stages: new Map(dockerfile.stages.map((s) => [s.index, { env: new Map([['PATH', '/bin']]), shell: false }])),
    isIgnored: (path) => files?.['.dockerignore'] !== undefined && path.endsWith('.md'),
    isImageName: (name) => !name.endsWith(':'),
  });
  return warningsText({ warnings: warnings.map((w) => ({ ...w, url: ruleUrl(w.rule as RuleName) })) });
}

export const checkFile = (name: RuleName): string => `checks/${ruleSlug(name)}.md`;

function contextBlocks(folder: string, text: string, { files = {} }: Example): string {
  const block = (name: string, content: string): string =>
    `\`\`\`${name === 'Dockerfile' ? 'dockerfile' : 'text'} title="${folder}/${name}"\n${content}\`\`\`\n`;
  return [block('Dockerfile', text), ...Object.entries(files).map(([name, content]) => block(name, content))].join('\n');
}

export function checkPage(name: RuleName): string {
  const example = EXAMPLES[name];
  const command = `slipway build --check ${example.flags === undefined ? '' : `${example.flags} `}`;
  const shown = (folder: string, text: string): string =>
    `\`\`\`console\n$ ${command}${folder}\n${checkText(text, example).replaceAll(/[ \t]+$/gm, '')}\`\`\`\n`;
  return [
    `# ${name}\n\n${RULES[name].description}.\n`,
    `## Bad\n\n${contextBlocks('bad', example.bad, example)}\n${shown('bad', example.bad)}`,
    `## Why\n\n${example.why}\n`,
    `## Good\n\n${contextBlocks('good', example.good, example)}\n${shown('good', example.good)}`,
    `\`# check=skip=${name}\` at the top of a Dockerfile, or above an instruction, skips this check. Docker's page: <${ruleUrl(name)}>.\n`,
  ].join('\n');
}
