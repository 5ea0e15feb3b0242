/* SPDX-License-Identifier: MIT */
/* The list of system calls; see syscalls.h. */
#include "sys/syscalls.h"

#include <errno.h>

#ifdef HAVE_SECCOMP

#include <fcntl.h>
#include <linux/sockios.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>

/* By what they are for.  Names that an architecture lacks are passed over. */
/* clang-format off */
static const char *const allowed[] = {
	/* the loop */
	"epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2", "poll", "ppoll", "select", "pselect6",
	"timerfd_create", "timerfd_settime", "timerfd_gettime", "eventfd2", "signalfd4", "pipe2", "inotify_init1",
	"inotify_add_watch", "inotify_rm_watch",
	/* sockets that it has, or makes (see socket_families) */
	"accept", "accept4", "connect", "getsockname", "getpeername", "getsockopt", "setsockopt", "shutdown", "socketpair",
	"recvfrom", "recvmsg", "recvmmsg", "sendto", "sendmsg", "sendmmsg",
	/* descriptors */
	"read", "readv", "pread64", "write", "writev", "close", "close_range", "dup", "dup2", "dup3", "fcntl", "lseek",
	/* looking at files; landlock says at which */
	"stat", "lstat", "fstat", "newfstatat", "statx", "statfs", "fstatfs", "access", "faccessat", "faccessat2", "readlink",
	"readlinkat", "getcwd", "getdents64",
	/* memory */
	"mmap", "munmap", "mremap", "mprotect", "madvise", "brk", "membarrier",
	/* threads: libcurl resolves names in some (see clone below) */
	"futex", "futex_waitv", "set_robust_list", "set_tid_address", "rseq", "sched_yield", "sched_getaffinity",
	"sigaltstack", "gettid", "tgkill",
	/* time and chance */
	"clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "time", "times", "getrandom",
	/* itself */
	"getpid", "getppid", "getuid", "geteuid", "getgid", "getegid", "getrlimit", "getrusage", "uname", "sysinfo",
	"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigpending", "rt_sigtimedwait", "restart_syscall", "exit",
	"exit_group",
};

/* Of a process that keeps files. */
static const char *const to_write[] = {
	"open", "openat", "pwrite64", "pwritev", "ftruncate", "fallocate", "fsync", "fdatasync", "fchmod", "fchown", "flock",
	"mkdir", "mkdirat", "unlink", "unlinkat", "rmdir", "rename", "renameat", "renameat2", "utimensat", "umask",
};

static const char *const to_bind[] = {"bind"};
/* clang-format on */

static int rule(scmp_filter_ctx ctx, const char *name, unsigned n, const struct scmp_arg_cmp *args)
{
	int number = seccomp_syscall_resolve_name(name);

	return number == __NR_SCMP_ERROR ? 0 : seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, number, n, args);
}

/* Argument i, masked if op says so (then a is the mask), compared with the last one. */
static struct scmp_arg_cmp arg(unsigned i, enum scmp_compare op, scmp_datum_t a, scmp_datum_t b)
{
	return (struct scmp_arg_cmp){.arg = i, .op = op, .datum_a = a, .datum_b = b};
}

static int one_arg(scmp_filter_ctx ctx, const char *name, struct scmp_arg_cmp a)
{
	return rule(ctx, name, 1, &a);
}

static int names_allow(scmp_filter_ctx ctx, const char *const *names, size_t n)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = rule(ctx, names[i], 0, NULL);
	return r;
}

static int plain_rules(scmp_filter_ctx ctx)
{
	return names_allow(ctx, allowed, sizeof allowed / sizeof allowed[0]);
}

static int binding_rules(scmp_filter_ctx ctx)
{
	int r = names_allow(ctx, to_bind, sizeof to_bind / sizeof to_bind[0]);

	return r == 0 ? one_arg(ctx, "socket", arg(0, SCMP_CMP_EQ, AF_NETLINK, 0)) : r;
}

static int socket_families(scmp_filter_ctx ctx)
{
	static const unsigned families[] = {AF_INET, AF_INET6, AF_UNIX};
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof families / sizeof families[0]; i++)
		r = one_arg(ctx, "socket", arg(0, SCMP_CMP_EQ, families[i], 0));
	return r;
}

/* Reading only, also where there is no landlock. */
static int files_to_read(scmp_filter_ctx ctx)
{
	const scmp_datum_t writing = O_ACCMODE | O_CREAT | O_TRUNC;
	int r = one_arg(ctx, "open", arg(1, SCMP_CMP_MASKED_EQ, writing, O_RDONLY));

	if (r == 0)
		r = one_arg(ctx, "openat", arg(2, SCMP_CMP_MASKED_EQ, writing, O_RDONLY));
	return r;
}

/* A thread, never a process.  clone3 hides its flags in memory; without it, libc takes clone. */
static int threads(scmp_filter_ctx ctx)
{
	int clone3 = seccomp_syscall_resolve_name("clone3");
	int r = one_arg(ctx, "clone", arg(0, SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));

	if (r == 0 && clone3 != __NR_SCMP_ERROR)
		r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), clone3, 0);
	return r;
}

static int narrow_calls(scmp_filter_ctx ctx)
{
	static const scmp_datum_t requests[] = {FIONREAD, FIONBIO, TCGETS, SIOCOUTQ},
	                          options[] = {PR_SET_NAME, PR_GET_NAME};
	int r = one_arg(ctx, "prlimit64", arg(2, SCMP_CMP_EQ, 0, 0)); /* asking, not setting */

	for (size_t i = 0; r == 0 && i < sizeof requests / sizeof requests[0]; i++)
		r = one_arg(ctx, "ioctl", arg(1, SCMP_CMP_EQ, requests[i], 0));
	for (size_t i = 0; r == 0 && i < sizeof options / sizeof options[0]; i++)
		r = one_arg(ctx, "prctl", arg(0, SCMP_CMP_EQ, options[i], 0));
	return r;
}

int syscalls_restrict(bool writes, bool binds)
{
	int (*const parts[])(scmp_filter_ctx) = {plain_rules, socket_families, threads, narrow_calls};
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int r = ctx ? seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1) : -ENOMEM;

	for (size_t i = 0; r == 0 && i < sizeof parts / sizeof parts[0]; i++)
		r = parts[i](ctx);
	if (r == 0)
		r = writes ? names_allow(ctx, to_write, sizeof to_write / sizeof to_write[0]) : files_to_read(ctx);
	if (r == 0 && binds)
		r = binding_rules(ctx);
	if (r == 0)
		r = seccomp_load(ctx);
	if (ctx)
		seccomp_release(ctx);
	return r;
}

#else

int syscalls_restrict(bool writes, bool binds)
{
	(void)writes, (void)binds;
	return -ENOSYS;
}

#endif
