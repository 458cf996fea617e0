// The C library, bound function by function at first use. Nothing is loaded before a system call is really needed.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

type NativeFunction = (...args: unknown[]) => number;
interface Library {
  func(definition: string): NativeFunction;
}
interface Koffi {
  load(path: null): Library;
  struct(name: string, fields: Readonly<Record<string, string>>): unknown;
  errno(): number;
}

let koffi: Koffi | undefined;
let library: Library | undefined;

/** As npm installs it: the addon lies in a package of its own for each platform, somewhere above this file. */
const ADDON = `node_modules/@koromix/koffi-linux-${process.arch}/linux_${process.arch}/koffi.node`;

/**
 * The addon is loaded by its path. koffi's own way, through the resolution of packages and a look at what kind of system this
 * is, takes 15 ms of every command; it remains for other layouts and for musl.
 */
function loadKoffi(): Koffi {
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    const path = join(folder, ADDON);
    if (existsSync(path)) {
      const addon = { exports: {} };
      try {
        process.dlopen(addon, path);
        return addon.exports as Koffi;
      } catch {
        break;
      }
    }
    if (folder === '/') break;
  }
  return createRequire(import.meta.url)('koffi') as Koffi;
}

/** A structure that prototypes may name; declared when a function that was bound with it is first called. */
export interface Structure {
  declare(koffi: Koffi): void;
}

export function struct(name: string, fields: Readonly<Record<string, string>>): Structure {
  let declared = false;
  return {
    declare: (koffi) => {
      if (!declared) koffi.struct(name, fields);
      declared = true;
    },
  };
}

/** Binds one function of the C library by its prototype. */
export function bind(definition: string, ...structures: readonly Structure[]): NativeFunction {
  let bound: NativeFunction | undefined;
  return (...args) => {
    if (bound === undefined) {
      koffi ??= loadKoffi();
      library ??= koffi.load(null);
      for (const structure of structures) structure.declare(koffi);
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

export const EINVAL = 22;

/** Names on Linux are bytes; a Buffer is passed as it is, with its terminating zero. @throws EINVAL for a NUL, where the name would be cut */
export function cString(path: string | Buffer): Buffer {
  if (typeof path === 'string' ? path.includes('\0') : path.includes(0)) throw systemError('open', path, EINVAL);
  return typeof path === 'string' ? Buffer.from(`${path}\0`) : Buffer.concat([path, Buffer.alloc(1)]);
}
