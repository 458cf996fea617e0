// The C library, bound function by function at first use. Nothing is loaded before a system call is really needed.
import { createRequire } from 'node:module';

type NativeFunction = (...args: unknown[]) => number;
interface Library {
  func(definition: string): NativeFunction;
}
interface Koffi {
  load(path: null): Library;
  errno(): number;
}

let koffi: Koffi | undefined;
let library: Library | undefined;

/** koffi's entry module spends 10 ms on finding out what its platform package is called; that name is known here. */
function loadKoffi(): Koffi {
  const require = createRequire(createRequire(import.meta.url).resolve('koffi'));
  try {
    return require(`@koromix/koffi-linux-${process.arch}/linux_${process.arch}/koffi.node`) as Koffi;
  } catch {
    return require('koffi') as Koffi; // musl, or another layout of the package
  }
}

/** Binds one function of the C library by its prototype. */
export function bind(definition: string): NativeFunction {
  let bound: NativeFunction | undefined;
  return (...args) => {
    if (bound === undefined) {
      koffi ??= loadKoffi();
      library ??= koffi.load(null);
      bound = library.func(definition);
    }
    return bound(...args);
  };
}

export function errno(): number {
  return koffi === undefined ? 0 : koffi.errno();
}

/** An error in the shape of those that node:fs throws, from the errno of the last call. */
export function systemError(syscall: string, path?: string | Buffer, code: number = errno()): NodeJS.ErrnoException {
  const [name, text] = process.getBuiltinModule('node:util').getSystemErrorMap().get(-code) ?? [`E${code}`, 'unknown error'];
  const at = path === undefined ? '' : ` '${path.toString()}'`;
  const error: NodeJS.ErrnoException = new Error(`${name}: ${text}, ${syscall}${at}`);
  error.errno = -code;
  error.code = name;
  error.syscall = syscall;
  if (path !== undefined) error.path = path.toString();
  return error;
}

/** Throws when a call returned -1. */
export function check(result: number, syscall: string, path?: string | Buffer): number {
  if (result < 0) throw systemError(syscall, path);
  return result;
}

/** Names on Linux are bytes; a Buffer is passed as it is, with its terminating zero. */
export function cString(path: string | Buffer): Buffer {
  return typeof path === 'string' ? Buffer.from(`${path}\0`) : Buffer.concat([path, Buffer.alloc(1)]);
}
