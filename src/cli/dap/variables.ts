// What an editor shows of the state that a build stands at: arguments, environment, the configuration of the image, the stage, and files.
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { StepFile, StepState } from '../../engine/index.ts';
import { formatBytes } from '../../util/index.ts';

type Variable = DebugProtocol.Variable;
type Source = () => Variable[] | Promise<Variable[]>;

/** References live until the build goes on. */
export class Variables {
  readonly #sources: Source[] = [];

  clear(): void {
    this.#sources.length = 0;
  }

  scopes(state: StepState, list: (path: string) => Promise<readonly StepFile[]>): DebugProtocol.Scope[] {
    const { args, config, stage } = state;
    const scope = (name: string, source: Source, more: Partial<DebugProtocol.Scope> = {}): DebugProtocol.Scope => ({
      name,
      variablesReference: this.#reference(source),
      expensive: false,
      ...more,
    });
    return [
      scope('Arguments', () => args.map(([name, value]) => plain(name, value ?? '(not set)')), { presentationHint: 'arguments' }),
      scope('Environment', () => environmentOf(state).map(([name, value]) => plain(name, value))),
      scope('Image', () => settings(config).map(([name, value]) => plain(name, value))),
      scope('Stage', () => [
        plain('name', stage.name ?? '(none)'),
        plain('number', String(stage.index)),
        plain('base', stage.base),
        plain('platform', state.platform),
      ]),
      scope('Files', () => this.#files('/', list), { expensive: true }),
    ];
  }

  /** @throws system errors of files */
  async get(reference: number): Promise<Variable[]> {
    return (await this.#sources[reference - 1]?.()) ?? [];
  }

  #reference(source: Source): number {
    return this.#sources.push(source);
  }

  async #files(folder: string, list: (path: string) => Promise<readonly StepFile[]>): Promise<Variable[]> {
    return (await list(folder)).map((file): Variable => {
      const path = `${folder === '/' ? '' : folder}/${file.name}`;
      const directory = file.type === 'directory';
      const size = file.type === 'file' ? ` ${formatBytes(file.size)}` : '';
      const target = file.target === undefined ? '' : ` → ${file.target}`;
      return {
        name: file.name,
        value: `${file.mode.toString(8).padStart(4, '0')} ${file.owner}${size}${target}`,
        type: file.type,
        variablesReference: directory ? this.#reference(() => this.#files(path, list)) : 0,
      };
    });
  }
}

const plain = (name: string, value: string): Variable => ({ name, value, variablesReference: 0 });

const environmentOf = ({ config }: StepState): [string, string][] =>
  (config.Env ?? []).map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]);

function settings(config: StepState['config']): [string, string][] {
  const words = (list: readonly string[] | null | undefined): string => (list ? JSON.stringify(list) : '');
  const all: [string, string][] = [
    ['user', config.User ?? ''],
    ['working directory', config.WorkingDir ?? ''],
    ['entrypoint', words(config.Entrypoint)],
    ['command', words(config.Cmd)],
    ['shell', words(config.Shell)],
    ['ports', Object.keys(config.ExposedPorts ?? {}).join(', ')],
    ['volumes', Object.keys(config.Volumes ?? {}).join(', ')],
    ['stop signal', config.StopSignal ?? ''],
    ...Object.entries(config.Labels ?? {}).map(([name, value]): [string, string] => [`label ${name}`, value]),
  ];
  return all.filter(([, value]) => value !== '');
}

/** The value of `NAME`, `$NAME` or `${NAME}`: what instructions see, of which whatever came later counts. */
export function valueOf(state: StepState, expression: string): string | undefined {
  const name = /^\$?\{?(\w+)\}?$/.exec(expression.trim())?.[1];
  if (name === undefined) return undefined;
  return state.args.find(([key]) => key === name)?.[1] ?? environmentOf(state).find(([key]) => key === name)?.[1];
}
