// Docker's default seccomp profile as documented for Docker 28 (docs.docker.com, "Seccomp security profiles for Docker"): what is not
// listed fails with EPERM. One line of data is a set of system calls and the condition under which they are allowed. Names
// that a machine's libseccomp does not know are skipped by the runtimes; runtime/filter.ts adds the recent ones by number.
import type { Seccomp, SeccompArg } from './oci.ts';

interface Rule {
  readonly calls: string;
  /** Only with this capability. */
  readonly cap?: string;
  /** Only without this capability. */
  readonly withoutCap?: string;
  /** Only on these machines, as `process.arch`. */
  readonly arch?: string;
  /** Allowed if the argument has this value. */
  readonly arg?: SeccompArg;
  /** Fails with this number instead. */
  readonly errno?: number;
}

/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET (linux/sched.h). */
const NAMESPACE_FLAGS = 0x7e020000;
const AF_VSOCK = 40;
const ENOSYS = 38;
const EPERM = 1;

/** personality(2): Linux, UNAME26 and 32-bit Linux in their combinations, and the question for the present one. */
const PERSONALITIES = [0, 0x8, 0x20000, 0x20008, 0xffffffff];

const FILES = `
  access chdir chmod chown chown32 close close_range copy_file_range creat dup dup2 dup3 faccessat faccessat2 fadvise64 fadvise64_64
  fallocate fchdir fchmod fchmodat fchmodat2 fchown fchown32 fchownat fcntl fcntl64 fdatasync flock fstat fstat64 fstatat64 fstatfs
  fstatfs64 fsync ftruncate ftruncate64 futimesat getcwd getdents getdents64 ioctl lchown lchown32 link linkat listmount _llseek lseek
  lstat lstat64 mkdir mkdirat mknod mknodat name_to_handle_at newfstatat open openat openat2 pipe pipe2 pread64 preadv preadv2 pwrite64
  pwritev pwritev2 read readahead readlink readlinkat readv rename renameat renameat2 rmdir sendfile sendfile64 splice stat stat64 statfs
  statfs64 statmount statx symlink symlinkat sync sync_file_range syncfs tee truncate truncate64 umask unlink unlinkat utime utimensat
  utimensat_time64 utimes vmsplice write writev
  fgetxattr flistxattr fremovexattr fsetxattr getxattr getxattrat lgetxattr listxattr listxattrat llistxattr lremovexattr lsetxattr
  removexattr removexattrat setxattr setxattrat
  fanotify_mark inotify_add_watch inotify_init inotify_init1 inotify_rm_watch
  io_cancel io_destroy io_getevents io_pgetevents io_pgetevents_time64 io_setup io_submit ioprio_get ioprio_set`;

const EVENTS = `
  epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2 _newselect poll
  ppoll ppoll_time64 pselect6 pselect6_time64 select signalfd signalfd4 timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime
  timerfd_settime64`;

const PROCESSES = `
  capget capset execve execveat exit exit_group fork getcpu getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32
  getpgid getpgrp getpid getppid getpriority getresgid getresgid32 getresuid getresuid32 getrlimit getrusage getsid gettid getuid getuid32
  kill landlock_add_rule landlock_create_ruleset landlock_restrict_self pidfd_open pidfd_send_signal prctl prlimit64 process_mrelease
  restart_syscall seccomp setfsgid setfsgid32 setfsuid setfsuid32 setgid setgid32 setgroups setgroups32 setpgid setpriority setregid
  setregid32 setresgid setresgid32 setresuid setresuid32 setreuid setreuid32 setrlimit setsid setuid setuid32 sysinfo tgkill times tkill
  ugetrlimit uname vfork wait4 waitid waitpid
  futex futex_requeue futex_time64 futex_wait futex_waitv futex_wake get_robust_list get_thread_area membarrier rseq set_robust_list
  set_thread_area set_tid_address
  sched_getaffinity sched_getattr sched_getparam sched_get_priority_max sched_get_priority_min sched_getscheduler sched_rr_get_interval
  sched_rr_get_interval_time64 sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield
  pause rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64
  rt_tgsigqueueinfo sigaltstack sigprocmask sigreturn riscv_hwprobe uretprobe`;

const MEMORY = `
  brk cachestat getrandom madvise map_shadow_stack memfd_create memfd_secret mincore mlock mlock2 mlockall mmap mmap2 mprotect mremap mseal
  msync munlock munlockall munmap pkey_alloc pkey_free pkey_mprotect remap_file_pages`;

const TIME = `
  adjtimex alarm clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64 clock_nanosleep
  clock_nanosleep_time64 getitimer gettimeofday nanosleep setitimer time timer_create timer_delete timer_getoverrun timer_gettime
  timer_gettime64 timer_settime timer_settime64`;

const TALKING = `
  accept accept4 bind connect getpeername getsockname getsockopt listen recv recvfrom recvmmsg recvmmsg_time64 recvmsg send sendmmsg
  sendmsg sendto setsockopt shutdown socketcall socketpair
  ipc mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64 mq_unlink msgctl msgget msgrcv
  msgsnd semctl semget semop semtimedop semtimedop_time64 shmat shmctl shmdt shmget`;

const RULES: readonly Rule[] = [
  { calls: [FILES, EVENTS, PROCESSES, MEMORY, TIME, TALKING].join(' ') },
  // Safe since Linux 4.8, which is older than any kernel this program starts on.
  { calls: 'process_vm_readv process_vm_writev ptrace' },
  { calls: 'socket', arg: { index: 0, value: AF_VSOCK, op: 'SCMP_CMP_NE' } },
  ...PERSONALITIES.map((value) => ({ calls: 'personality', arg: { index: 0, value, op: 'SCMP_CMP_EQ' } })),
  { arch: 'x64', calls: 'arch_prctl modify_ldt' },
  { arch: 'arm64', calls: 'arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush set_tls' },
  // No value of clone3's flags can be seen by a filter: programs fall back to clone on ENOSYS.
  { withoutCap: 'SYS_ADMIN', calls: 'clone', arg: { index: 0, value: NAMESPACE_FLAGS, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' } },
  { withoutCap: 'SYS_ADMIN', calls: 'clone3', errno: ENOSYS },
  {
    cap: 'SYS_ADMIN',
    calls: `bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie lsm_get_self_attr lsm_list_modules lsm_set_self_attr
      mount mount_setattr move_mount open_tree perf_event_open quotactl quotactl_fd setdomainname sethostname setns syslog umount umount2
      unshare`,
  },
  { cap: 'DAC_READ_SEARCH', calls: 'open_by_handle_at' },
  { cap: 'SYS_BOOT', calls: 'reboot' },
  { cap: 'SYS_CHROOT', calls: 'chroot' },
  { cap: 'SYS_MODULE', calls: 'delete_module init_module finit_module' },
  { cap: 'SYS_PACCT', calls: 'acct' },
  { cap: 'SYS_PTRACE', calls: 'kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev ptrace' },
  { cap: 'SYS_RAWIO', calls: 'iopl ioperm' },
  { cap: 'SYS_TIME', calls: 'settimeofday stime clock_settime clock_settime64' },
  { cap: 'SYS_TTY_CONFIG', calls: 'vhangup' },
  { cap: 'SYS_NICE', calls: 'get_mempolicy mbind set_mempolicy set_mempolicy_home_node' },
  { cap: 'SYSLOG', calls: 'syslog' },
  { cap: 'BPF', calls: 'bpf' },
  { cap: 'PERFMON', calls: 'perf_event_open' },
];

/** With the architectures whose programs a machine can run beside its own. */
const ARCHITECTURES: Readonly<Record<string, readonly string[]>> = {
  x64: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
  arm64: ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM'],
};

/** The default filter for a process with these capabilities on this machine (`process.arch`). */
export function defaultSeccomp(capabilities: ReadonlySet<string>, arch: string): Seccomp {
  const has = (cap: string): boolean => capabilities.has(`CAP_${cap}`);
  const syscalls = RULES.filter(
    (rule) =>
      (rule.cap === undefined || has(rule.cap)) &&
      (rule.withoutCap === undefined || !has(rule.withoutCap)) &&
      (rule.arch === undefined || rule.arch === arch),
  ).map((rule) => ({
    names: rule.calls.trim().split(/\s+/),
    ...(rule.errno === undefined ? { action: 'SCMP_ACT_ALLOW' } : { action: 'SCMP_ACT_ERRNO', errnoRet: rule.errno }),
    ...(rule.arg === undefined ? {} : { args: [rule.arg] }),
  }));
  return { defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: EPERM, architectures: ARCHITECTURES[arch] ?? [], syscalls };
}
