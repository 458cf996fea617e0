// A static program that makes many system calls, each with arguments that a kernel refuses or that change nothing, and prints what
// came of each: what a container may ask of the kernel, measured from within. For x64.

/** name, number (syscall_64.tbl), arguments. */
type Call = readonly [string, number, ...number[]];

const ALL_ONES = -1;

export const CALLS: readonly Call[] = [
  ['clone user|fs', 56, 0x10000200],
  ['clone sighand', 56, 0x800],
  ['clone3', 435],
  ['setns', 308, ALL_ONES],
  ['keyctl', 250, 0, -3],
  ['add_key', 248],
  ['request_key', 249],
  ['mount', 165],
  ['umount2', 166],
  ['pivot_root', 155],
  ['chroot', 161, 1],
  ['open_tree', 428, ALL_ONES],
  ['move_mount', 429, ALL_ONES],
  ['fsopen', 430],
  ['fsconfig', 431, ALL_ONES],
  ['fsmount', 432, ALL_ONES],
  ['fspick', 433, ALL_ONES],
  ['mount_setattr', 442, ALL_ONES],
  ['statmount', 457],
  ['listmount', 458],
  ['open_tree_attr', 467, ALL_ONES],
  ['pidfd_open', 434, ALL_ONES],
  ['pidfd_send_signal', 424, ALL_ONES],
  ['pidfd_getfd', 438, ALL_ONES, ALL_ONES],
  ['process_madvise', 440, ALL_ONES],
  ['process_mrelease', 448, ALL_ONES],
  ['process_vm_readv', 310, ALL_ONES, 1, 1, 1, 1],
  ['ptrace', 101, 99, ALL_ONES],
  ['kcmp', 312, ALL_ONES, ALL_ONES],
  ['socket unix', 41, 1, 1],
  ['socket inet', 41, 2, 1],
  ['socket raw', 41, 2, 3, 1],
  ['socket netlink', 41, 16, 3],
  ['socket packet', 41, 17, 3],
  ['socket vsock', 41, 40, 1],
  ['bpf', 321, ALL_ONES],
  ['perf_event_open', 298, 1],
  ['userfaultfd', 323, ALL_ONES],
  ['io_uring_setup', 425],
  ['io_uring_enter', 426, ALL_ONES],
  ['io_uring_register', 427, ALL_ONES],
  ['fanotify_init', 300, ALL_ONES],
  ['fanotify_mark', 301, ALL_ONES],
  ['open_by_handle_at', 304, ALL_ONES],
  ['name_to_handle_at', 303, ALL_ONES],
  ['reboot', 169],
  ['swapon', 167],
  ['swapoff', 168],
  ['init_module', 175],
  ['finit_module', 313, ALL_ONES],
  ['delete_module', 176],
  ['kexec_load', 246, 0, 0, 0, ALL_ONES],
  ['kexec_file_load', 320, ALL_ONES, ALL_ONES, 0, 0, ALL_ONES],
  ['acct', 163, 1],
  ['iopl', 172, 99],
  ['ioperm', 173, 70000],
  ['settimeofday', 164, 1, 1],
  ['clock_settime', 227, 99],
  ['clock_adjtime', 305, 99],
  ['adjtimex', 159],
  ['vhangup', 153],
  ['get_mempolicy', 239, 0, 0, 0, 0, ALL_ONES],
  ['set_mempolicy', 238, 99],
  ['mbind', 237, 0, 0, 99],
  ['set_mempolicy_home_node', 450, 1],
  ['migrate_pages', 256, ALL_ONES],
  ['move_pages', 279, ALL_ONES],
  ['syslog', 103, 99],
  ['quotactl', 179, ALL_ONES],
  ['quotactl_fd', 443, ALL_ONES],
  ['sethostname', 170, 0, ALL_ONES],
  ['setdomainname', 171, 0, ALL_ONES],
  ['personality query', 135, 0xffffffff],
  ['personality no randomization', 135, 0x40000],
  ['uselib', 134],
  ['ustat', 136],
  ['sysfs', 139, 99],
  ['_sysctl', 156],
  ['nfsservctl', 180],
  ['lookup_dcookie', 212],
  ['vserver', 236],
  ['modify_ldt', 154],
  ['arch_prctl', 158, 0x9999],
  ['set_thread_area', 205],
  ['capset', 126],
  ['seccomp', 317, ALL_ONES],
  ['memfd_secret', 447, ALL_ONES],
  ['memfd_create', 319],
  ['landlock_restrict_self', 446, ALL_ONES],
  ['futex_waitv', 449],
  ['cachestat', 451, ALL_ONES],
  ['fchmodat2', 452, ALL_ONES],
  ['futex_wake', 454, 1, 0, 0, ALL_ONES],
  ['futex_wait', 455, 1, 0, 0, ALL_ONES],
  ['lsm_get_self_attr', 459],
  ['lsm_list_modules', 461, 0, 0, 1],
  ['mseal', 462, 1],
  ['getxattrat', 464, ALL_ONES],
  ['removexattrat', 466, ALL_ONES],
  ['file_getattr', 468, ALL_ONES],
  ['call 600', 600],
  ['rseq', 334],
  ['membarrier', 324],
  ['pkey_alloc', 330, ALL_ONES],
  ['remap_file_pages', 216, 1],
  ['prlimit64', 302, ALL_ONES],
  ['mknod', 133],
  ['mq_open', 240],
  ['shmctl', 31, ALL_ONES],
  ['inotify_init1', 294, ALL_ONES],
  ['copy_file_range', 326, ALL_ONES],
  ['syncfs', 306, ALL_ONES],
  // Last: what they change would change the answers of others.
  ['unshare files', 272, 0x400],
  ['unshare net', 272, 0x40000000],
  ['unshare mount', 272, 0x20000],
  ['unshare user', 272, 0x10000000],
];

/** How containers are started whose answers are recorded: `run` with these flags, and RUN. */
export const VARIANTS: Readonly<Record<string, readonly string[]>> = {
  default: [],
  'cap-add SYS_ADMIN': ['--cap-add', 'SYS_ADMIN'],
  'cap-add SYS_PTRACE': ['--cap-add', 'SYS_PTRACE'],
  'cap-drop ALL': ['--cap-drop', 'ALL'],
  privileged: ['--privileged'],
};

/** EPERM or ENOSYS, or that the kernel itself had looked at the call: what it says of it differs between kernels. */
export type Verdict = 'EPERM' | 'ENOSYS' | 'reached';

/** Finds the program's answer in the output of a container or of a build. */
export function verdicts(output: string): Record<string, Verdict> {
  const line = new RegExp(`[A-P]{${CALLS.length * 2}}`).exec(output)?.[0];
  if (line === undefined) throw new Error(`the probe printed nothing: ${output}`);
  return Object.fromEntries(
    CALLS.map(([name], index) => {
      const errno = (line.charCodeAt(index * 2) - 65) * 16 + line.charCodeAt(index * 2 + 1) - 65;
      return [name, errno === 1 ? 'EPERM' : errno === 38 ? 'ENOSYS' : 'reached'];
    }),
  );
}

const BASE = 0x400000n;
const HEADERS = 64 + 56;
const ENTRY = 56;

/** An ELF file of a header, one segment, the loop, the table of calls and room for the answers (elf(5)). */
export function probeProgram(): Buffer {
  const size = code(0n, 0n, 0n).length;
  const table = BASE + BigInt(HEADERS + size);
  const answers = table + BigInt(ENTRY * CALLS.length);
  const loop = code(table, answers, answers);
  const length = HEADERS + size + (ENTRY + 2) * CALLS.length + 1;
  const file = Buffer.alloc(length);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  file.writeUInt16LE(2, 16);
  file.writeUInt16LE(62, 18);
  file.writeUInt32LE(1, 20);
  file.writeBigUInt64LE(BASE + BigInt(HEADERS), 24);
  file.writeBigUInt64LE(64n, 32);
  file.writeUInt16LE(64, 52);
  file.writeUInt16LE(56, 54);
  file.writeUInt16LE(1, 56);
  file.writeUInt32LE(1, 64);
  file.writeUInt32LE(7, 68); // read, write, execute
  file.writeBigUInt64LE(BASE, 80);
  file.writeBigUInt64LE(BASE, 88);
  file.writeBigUInt64LE(BigInt(length), 96);
  file.writeBigUInt64LE(BigInt(length), 104);
  file.writeBigUInt64LE(0x1000n, 112);
  file.set(loop, HEADERS);
  CALLS.forEach(([, ...words], index) =>
    words.forEach((word, place) => file.writeBigInt64LE(BigInt(word), HEADERS + size + index * ENTRY + place * 8)),
  );
  file[length - 1] = 10;
  return file;
}

function code(table: bigint, end: bigint, answers: bigint): Buffer {
  const address = (value: bigint): number[] => [...Buffer.from(new BigUint64Array([value]).buffer)];
  const head = [0x48, 0xbb, ...address(table), 0x49, 0xbc, ...address(answers)]; // mov rbx, table; mov r12, answers
  const body = [
    [0x48, 0x8b, 0x03], // mov rax, [rbx]
    [0x48, 0x8b, 0x7b, 8], // mov rdi, [rbx+8]
    [0x48, 0x8b, 0x73, 16], // mov rsi, [rbx+16]
    [0x48, 0x8b, 0x53, 24], // mov rdx, [rbx+24]
    [0x4c, 0x8b, 0x53, 32], // mov r10, [rbx+32]
    [0x4c, 0x8b, 0x43, 40], // mov r8, [rbx+40]
    [0x4c, 0x8b, 0x4b, 48], // mov r9, [rbx+48]
    [0x0f, 0x05], // syscall
    [0x31, 0xd2, 0x48, 0x85, 0xc0, 0x79, 5, 0x48, 0xf7, 0xd8, 0x89, 0xc2], // edx = rax < 0 ? -rax : 0
    [0x89, 0xd0, 0xc1, 0xe8, 4, 0x04, 0x41, 0x41, 0x88, 0x04, 0x24], // [r12] = 'A' + (edx >> 4)
    [0x83, 0xe2, 0x0f, 0x80, 0xc2, 0x41, 0x41, 0x88, 0x54, 0x24, 1], // [r12+1] = 'A' + (edx & 15)
    [0x49, 0x83, 0xc4, 2, 0x48, 0x83, 0xc3, ENTRY], // add r12, 2; add rbx, ENTRY
    [0x48, 0xb9, ...address(end), 0x48, 0x39, 0xcb], // mov rcx, end; cmp rbx, rcx
  ].flat();
  const again = [0x72, 256 - (body.length + 2)]; // jb to the first of body
  const print = [
    [0xb8, 1, 0, 0, 0, 0xbf, 1, 0, 0, 0, 0x48, 0xbe, ...address(answers)], // mov eax, 1 (write); mov edi, 1; mov rsi, answers
    [0xba, ...Buffer.from(new Uint32Array([CALLS.length * 2 + 1]).buffer), 0x0f, 0x05], // mov edx, length; syscall
    [0xb8, 231, 0, 0, 0, 0x31, 0xff, 0x0f, 0x05], // mov eax, 231 (exit_group); xor edi, edi; syscall
  ].flat();
  return Buffer.from([...head, ...body, ...again, ...print]);
}
