// Links modules into one CommonJS program in which each one runs when something of it is first used, and not when it is imported: a command
// pays for the modules that it needs, whatever the imports above them say. esbuild translates each file alone; what it makes of imports and
// exports is regular, and is rewritten here. Names that an index.ts only passes on are led straight to the module that has them.
import { readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { transformSync } from 'esbuild';

interface Module {
  readonly path: string;
  /** A number, unique in the program. */
  readonly id: number;
  body: string;
  /** Name in the module → the module that it stands for. */
  readonly imports: Map<string, Target>;
  /** Exported name → an expression in the module. */
  readonly exports: Map<string, string>;
  /** Modules all names of which are exported too. */
  readonly passedOn: Module[];
}

/** A module of ours, or the name of one that Node finds. */
type Target = Module | string;

const EXPORTS = /^var stdin_exports = \{\};\n__export\(stdin_exports, \{\n([^]*?)\n\}\);\n/m;
/** An import, or (without a variable) names that are passed on; all others are within code. */
const IMPORT = /^(?:var (import_\w+) = (?:__toESM\()?|__reExport\(stdin_exports, )require\("([^"]+)"\)(?:, module\.exports\)|\))?;\n/gm;
const DYNAMIC = /__toESM\(require\("([^"]+)"\)\)/g;

/**
 * @param entry a file without exports, which runs at once
 * @param define as esbuild's: expressions and what stands in for them
 * @returns the text of the program, in plain ASCII: V8 keeps that in half the room, and Node reads it faster. Its value is a function of
 *   `require`, `__dirname`, `$url` (of the file), and the array `$ran`, which is given the number of each module that runs.
 */
export function link(entry: string, define: Readonly<Record<string, string>>): string {
  const modules = new Map<string, Module>();
  const builtIn = new Map<string, number>();

  const load = (path: string): Module => {
    const known = modules.get(path);
    if (known !== undefined) return known;
    const code = transformSync(readFileSync(path, 'utf8'), {
      loader: 'ts',
      format: 'cjs',
      platform: 'node',
      target: 'node26',
      supported: { 'dynamic-import': false },
      define: { ...define },
    }).code;
    const module: Module = { path, id: modules.size, body: '', imports: new Map(), exports: new Map(), passedOn: [] };
    modules.set(path, module);
    const target = (name: string): Target => (name.startsWith('.') ? load(resolve(dirname(path), name)) : name);

    // in front of it are helpers, behind it what only Node's loader of modules would read
    const found = EXPORTS.exec(code);
    const start = found ? found.index + found[0].length : code.search(/^var import_/m);
    const body = code
      .slice(start)
      .replace(/^module\.exports = __toCommonJS\(stdin_exports\);\n/m, '')
      .replace(/^\/\/ Annotate the CommonJS export names[^]*$/m, '');
    for (const [, local, name = ''] of body.matchAll(IMPORT)) {
      if (local === undefined) module.passedOn.push(target(name) as Module);
      else module.imports.set(local, target(name));
    }
    module.body = body.replaceAll(IMPORT, '');
    const dynamic = new Map([...module.body.matchAll(DYNAMIC)].map(([text, name = '']) => [text, use(target(name))]));
    module.body = module.body.replaceAll(DYNAMIC, (text) => dynamic.get(text) ?? text);
    for (const [, name = '', expression = ''] of (found?.[1] ?? '').matchAll(/^ {2}(\w+): \(\) => ([\w.]+),?$/gm))
      module.exports.set(name, expression);
    if (/\b(?:__toESM|__reExport|stdin_exports|module\.exports)\b/.test(module.body))
      throw new Error(`${path} cannot be linked: ${/.*\b(?:__toESM|__reExport|stdin_exports|module\.exports)\b.*/.exec(module.body)?.[0]}`);
    return module;
  };

  const use = (target: Target): string => {
    if (typeof target !== 'string') return `($m${target.id} ?? $l${target.id}())`;
    let id = builtIn.get(target);
    if (id === undefined) builtIn.set(target, (id = builtIn.size));
    return `($b${id} ??= require(${JSON.stringify(target)}))`;
  };

  /** What an exported name stands for, wherever it comes from. */
  const origin = (module: Module, name: string): { module: Module; name: string } | string | undefined => {
    const expression = module.exports.get(name);
    if (expression === undefined) {
      for (const other of module.passedOn) {
        const there = origin(other, name);
        if (there !== undefined) return there;
      }
      return undefined;
    }
    const [local = '', imported] = expression.split('.');
    const target = module.imports.get(local);
    if (target === undefined) return { module, name };
    if (typeof target === 'string' || imported === undefined) return named(module, expression);
    return origin(target, imported);
  };

  /** Imports in some code of a module become uses. */
  const named = (module: Module, code: string): string =>
    code.replace(/\b(import_\w+)(\.(default\b)?([\w$]+)?)?/g, (text, local: string, member?: string, byDefault?: string, name?: string) => {
      const target = module.imports.get(local);
      if (target === undefined) return text;
      if (typeof target === 'string') return byDefault !== undefined && name === undefined ? use(target) : `${use(target)}${member ?? ''}`;
      if (member === undefined) return use(target);
      const exported = `${byDefault ?? ''}${name ?? ''}`;
      const there = origin(target, exported);
      if (there === undefined) throw new Error(`${relative('.', module.path)} imports ${exported}, which ${target.path} does not export`);
      return typeof there === 'string' ? there : `${use(there.module)}.${there.name}`;
    });

  const names = (module: Module): string[] => [...module.exports.keys(), ...module.passedOn.flatMap(names)];
  const exported = (module: Module): string =>
    names(module)
      .map((name) => {
        const expression = module.exports.get(name);
        const there = origin(module, name);
        if (typeof there === 'object' && there.module === module) return name === expression ? name : `${name}: ${expression}`;
        return `get ${name}() { return ${typeof there === 'object' ? `${use(there.module)}.${there.name}` : there}; }`;
      })
      .join(', ');

  const main = load(resolve(entry));
  const parts: string[] = [];
  for (const module of modules.values()) {
    if (module === main) continue;
    for (const [, name = ''] of module.body.matchAll(/^let (\w+)/gm))
      if (module.exports.has(name)) throw new Error(`${module.path} exports ${name}, which may change`);
    parts.push(
      `let $m${module.id}; const $l${module.id} = () => {\n$ran.push(${module.id});\n${named(module, module.body)}\nreturn $m${module.id} = { ${exported(module)} };\n};`,
    );
  }
  parts.push(named(main, main.body));
  const uses = [...builtIn.values()].map((id) => `$b${id}`);
  const program = `"use strict";\nlet ${uses.join(', ')};\n${parts.join('\n')}`;
  const { code } = transformSync(program, { target: 'node26', legalComments: 'none', minifySyntax: true, minifyWhitespace: true });
  return `(function(require,__dirname,$url,$ran){${inAscii(code)}})`;
}

const inAscii = (code: string): string => code.replace(/[^\0-\x7f]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
