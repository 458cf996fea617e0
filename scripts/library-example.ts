// The example on the page of the library; test/library.test.ts runs it.

export const EXAMPLE = {
  code: `import { formatDockerfile, parseDockerfile, targetStage } from 'slipway/dockerfile';

const dockerfile = parseDockerfile(\`FROM golang AS build
copy . .
RUN go build -o /app

FROM scratch
COPY --from=build /app /app
ENTRYPOINT ["/app"]
\`);

for (const { index, name, from, commands } of dockerfile.stages)
  console.log(index, name, from.base, commands.map((command) => command.kind).join(' '));
console.log(formatDockerfile(dockerfile.text).split('\\n')[1]);

try {
  targetStage(dockerfile, 'biuld');
} catch (error) {
  console.log(error.code, error.message);
}
`,
  output: `0 build golang COPY RUN
1 undefined scratch COPY ENTRYPOINT
COPY . .
dockerfile.target-unknown target stage "biuld" could not be found (did you mean build?)
`,
};
