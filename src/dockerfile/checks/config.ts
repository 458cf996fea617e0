// Which checks are made, and whether they fail a build: `check=skip=A,B;error=true;experimental=all`.
import { quote } from '../chars.ts';
import { findDirective } from '../directives.ts';
import { LanguageFault, languageError, located, type SourceFile } from '../errors.ts';
import { isExperimental, type RuleName } from './rules.ts';

export interface CheckConfig {
  /** A build with warnings fails. */
  readonly error: boolean;
  /** Rules that are not checked; `all` stands for all of them. */
  readonly skip: readonly string[];
  /** Experimental rules that are checked. */
  readonly experimental: readonly string[];
}

const names = (list: readonly string[], rule: RuleName): boolean => list.includes(rule) || list.includes('all');

/** Whether a rule is checked: experimental ones when they are named, the others unless they are skipped. */
export const applies = ({ skip, experimental }: CheckConfig, rule: RuleName): boolean =>
  isExperimental(rule) ? names(experimental, rule) : !names(skip, rule);

/** What a comment above an instruction adds: `# check=skip=RULE[,RULE] why`. One that cannot be read adds nothing. */
export function withComments(config: CheckConfig, comments: readonly string[]): CheckConfig {
  for (const comment of comments) {
    const value = /^check\s*=\s*(\S+)/i.exec(comment)?.[1];
    if (value === undefined) continue;
    try {
      const { skip, experimental } = readConfig(value);
      return { ...config, skip: [...config.skip, ...skip], experimental: [...config.experimental, ...experimental] };
    } catch (error) {
      if (error instanceof LanguageFault) return config;
      throw error;
    }
  }
  return config;
}

/**
 * Reads the `check` directive of a Dockerfile, or what overrides it (`BUILDKIT_DOCKERFILE_CHECK`).
 * @throws SlipwayError 'dockerfile.check'
 */
export function checkConfig(file: SourceFile, override?: string): CheckConfig {
  const directive = override === undefined ? findDirective(file.text, 'check') : undefined;
  try {
    return readConfig(override ?? directive?.value ?? '');
  } catch (error) {
    if (directive !== undefined) throw located(error, file, directive.range, 'failed to parse check options: ');
    if (!(error instanceof LanguageFault)) throw error;
    throw languageError(error.code, `failed to parse build-arg:BUILDKIT_DOCKERFILE_CHECK: ${error.message}`, undefined, error.hints);
  }
}

function readConfig(value: string): CheckConfig {
  let [skip, experimental, error]: [readonly string[], readonly string[], boolean] = [[], [], false];
  for (const option of value.trim() === '' ? [] : value.trim().split(';')) {
    const equals = option.indexOf('=');
    if (equals < 0) throw new LanguageFault('check', `invalid check option ${quote(option)}`);
    const key = option.slice(0, equals).trim();
    const given = option.slice(equals + 1).trim();
    const list = given.split(',').map((name) => name.trim());
    switch (key) {
      case 'skip':
        skip = list;
        break;
      case 'experimental':
        experimental = list;
        break;
      case 'error':
        error = truth(option, given);
        break;
      default:
        throw new LanguageFault('check', `invalid check option ${quote(key)}`, ['skip, error and experimental are options of checks']);
    }
  }
  return { error, skip, experimental };
}

function truth(option: string, text: string): boolean {
  if (/^(?:1|t|T|true|True|TRUE)$/.test(text)) return true;
  if (/^(?:0|f|F|false|False|FALSE)$/.test(text)) return false;
  throw new LanguageFault(
    'check',
    `failed to parse check option ${quote(option)}: strconv.ParseBool: parsing ${quote(text)}: invalid syntax`,
  );
}
