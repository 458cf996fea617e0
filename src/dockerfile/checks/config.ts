// Which checks are made, and whether they fail a build: `check=skip=A,B;error=true;experimental=all`.
import { findDirective } from '../directives.ts';
import { LanguageFault, languageError, located, type SourceFile } from '../errors.ts';
import { isExperimental, type RuleName } from './rules.ts';

export interface CheckConfig {
  /** A build with warnings fails. */
  readonly error: boolean;
  applies(rule: RuleName): boolean;
}

/**
 * Reads the `check` directive of a Dockerfile, or what overrides it (`BUILDKIT_DOCKERFILE_CHECK`).
 * @throws SlipwayError 'dockerfile.check'
 */
export function checkConfig(file: SourceFile, override?: string): CheckConfig {
  if (override !== undefined) {
    try {
      return readConfig(override);
    } catch (error) {
      if (error instanceof LanguageFault) throw languageError(error.code, error.message, undefined, error.hints);
      throw error;
    }
  }
  const directive = findDirective(file.text, 'check');
  try {
    return readConfig(directive?.value ?? '');
  } catch (error) {
    throw directive === undefined ? error : located(error, file, directive.range);
  }
}

function readConfig(value: string): CheckConfig {
  let [skip, experimental, error]: [readonly string[], readonly string[], boolean] = [[], [], false];
  for (const option of value.split(';').map((o) => o.trim())) {
    if (option === '') continue;
    const [key, given, ...rest] = option.split('=').map((part) => part.trim());
    if (given === undefined || rest.length > 0) throw new LanguageFault('check', `invalid check option: ${option}`);
    const list = given.split(',').map((name) => name.trim());
    switch (key?.toLowerCase()) {
      case 'skip':
        skip = list;
        break;
      case 'experimental':
        experimental = list;
        break;
      case 'error':
        error = truth(given);
        break;
      default:
        throw new LanguageFault('check', `invalid check option "${key}"`, ['skip, error and experimental are options of checks']);
    }
  }
  const named = (list: readonly string[], rule: string): boolean =>
    list.some((name) => [rule.toLowerCase(), 'all'].includes(name.toLowerCase()));
  return { error, applies: (rule) => !named(skip, rule) && (!isExperimental(rule) || named(experimental, rule)) };
}

function truth(text: string): boolean {
  if (/^(?:1|t|T|true|True|TRUE)$/.test(text)) return true;
  if (/^(?:0|f|F|false|False|FALSE)$/.test(text)) return false;
  throw new LanguageFault('check', `failed to parse check option: invalid boolean ${JSON.stringify(text)}`);
}
