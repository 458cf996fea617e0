// System calls that are younger than the libseccomp of many distributions. A name that libseccomp does not know is left out of the
// compiled filter and so refused with EPERM, although the profile allows it, and programs give up where ENOSYS would make
// them fall back. Their numbers are the same on every machine, so a few instructions before the compiled filter decide on them.
import type { Seccomp } from './spec/oci.ts';

/** syscall.tbl of the kernel, from Linux 6.5 on. */
const NUMBERS: Readonly<Record<string, number>> = {
  cachestat: 451,
  fchmodat2: 452,
  map_shadow_stack: 453,
  futex_wake: 454,
  futex_wait: 455,
  futex_requeue: 456,
  statmount: 457,
  listmount: 458,
  lsm_get_self_attr: 459,
  lsm_set_self_attr: 460,
  lsm_list_modules: 461,
  mseal: 462,
  setxattrat: 463,
  getxattrat: 464,
  listxattrat: 465,
  removexattrat: 466,
  open_tree_attr: 467,
  file_getattr: 468,
  file_setattr: 469,
};

/** AUDIT_ARCH_* of linux/audit.h: the machine's own programs and the 32-bit ones beside them. */
const ARCHITECTURES: Readonly<Record<string, readonly number[]>> = {
  x64: [0xc000003e, 0x40000003],
  arm64: [0xc00000b7, 0x40000028],
};
/** Marks calls of x32 programs on x64. */
const X32 = 0x40000000;

// linux/bpf_common.h and linux/seccomp.h
const LOAD = 0x20;
const JUMP = 0x05;
const IF_EQUAL = 0x15;
const IF_AT_LEAST = 0x35;
const RETURN = 0x06;
const ALLOW = 0x7fff0000;
const FAIL_ENOSYS = 0x00050000 | 38;

/**
 * Instructions that allow the recent calls which `seccomp` allows whatever their arguments, and answer ENOSYS to calls younger than all
 * that it names, as runc does; everything else goes on to what follows them. Empty when there is nothing to add.
 */
export function recentCalls(seccomp: Seccomp, arch: string): Buffer {
  const named = seccomp.syscalls.flatMap((rule) =>
    rule.names.filter((name) => NUMBERS[name] !== undefined).map((name) => ({ rule, name })),
  );
  const architectures = ARCHITECTURES[arch];
  if (named.length === 0 || architectures === undefined || seccomp.defaultAction !== 'SCMP_ACT_ERRNO') return Buffer.alloc(0);
  const allowed = named.filter(({ rule }) => rule.action === 'SCMP_ACT_ALLOW' && rule.args === undefined).map(({ name }) => NUMBERS[name]!);
  const newest = Math.max(...named.map(({ name }) => NUMBERS[name]!));
  const numbers = [...new Set(allowed)].sort((a, b) => a - b);
  // Jumps count the instructions that they skip.
  const body: Instruction[] = [
    [LOAD, 0, 0, 0],
    [IF_AT_LEAST, numbers.length + 4, 0, X32],
    [IF_AT_LEAST, numbers.length + 2, 0, newest + 1],
    ...numbers.map((number, index): Instruction => [IF_EQUAL, numbers.length - index, 0, number]),
    [JUMP, 0, 0, 2],
    [RETURN, 0, 0, ALLOW],
    [RETURN, 0, 0, FAIL_ENOSYS],
  ];
  const head: Instruction[] = [
    [LOAD, 0, 0, 4],
    ...architectures.map((value, index): Instruction => [IF_EQUAL, architectures.length - index, 0, value]),
    [JUMP, 0, 0, body.length],
  ];
  return Buffer.concat([...head, ...body].map(encode));
}

/** code, jt, jf, k of struct sock_filter. */
type Instruction = readonly [number, number, number, number];

function encode([code, jumpIf, jumpElse, value]: Instruction): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16LE(code, 0);
  bytes.writeUInt8(jumpIf, 2);
  bytes.writeUInt8(jumpElse, 3);
  bytes.writeUInt32LE(value, 4);
  return bytes;
}
