/* SPDX-License-Identifier: MIT */
/*
 * A preload that lets a program's time run faster: its clocks advance, and its waits end, N times as
 * fast.  So the lab plays hours at the timings that are shipped, constants in the code included.
 *
 *   T3OPS_TIMELAPSE="N REALTIME MONOTONIC BOOTTIME"   factor; the clocks' seconds when it began
 *
 *   T3OPS_TIMELAPSE_STEPS=FILE   three int64, read at each look at a clock: nanoseconds by which these
 *                                three clocks were set ahead; whoever writes it makes them jump
 *
 * All processes that are given the same text agree on the time.  Not covered: CPU clocks, what the
 * kernel measures by itself (timeouts of TCP, pressure, file times), and what a blocking socket waits.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define NS INT64_C(1000000000)

static struct {
	double factor; /* 1: time as it is */
	int64_t real_ns, monotonic_ns, boot_ns;
	const volatile int64_t *steps; /* of the file; NULL: no clock jumps */
	int (*clock_gettime)(clockid_t, struct timespec *);
	int (*epoll_pwait)(int, struct epoll_event *, int, int, const sigset_t *);
	int (*ppoll)(struct pollfd *, nfds_t, const struct timespec *, const sigset_t *);
	int (*pselect)(int, fd_set *, fd_set *, fd_set *, const struct timespec *, const sigset_t *);
	int (*clock_nanosleep)(clockid_t, int, const struct timespec *, struct timespec *);
	int (*timerfd_settime)(int, int, const struct itimerspec *, struct itimerspec *);
} lapse = {.factor = 1};

static void *real(const char *name)
{
	void *symbol = dlsym(RTLD_NEXT, name);

	if (!symbol) {
		fprintf(stderr, "timelapse: no %s\n", name);
		abort();
	}
	return symbol;
}

static const volatile int64_t *steps_map(void)
{
	const char *path = getenv("T3OPS_TIMELAPSE_STEPS");
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *at = fd >= 0 ? mmap(NULL, 3 * sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;

	if (fd >= 0)
		close(fd);
	return at != MAP_FAILED ? at : NULL;
}

__attribute__((constructor)) static void begin(void)
{
	const char *text = getenv("T3OPS_TIMELAPSE");
	double real_s, monotonic_s, boot_s;

	*(void **)&lapse.clock_gettime = real("clock_gettime");
	*(void **)&lapse.epoll_pwait = real("epoll_pwait");
	*(void **)&lapse.ppoll = real("ppoll");
	*(void **)&lapse.pselect = real("pselect");
	*(void **)&lapse.clock_nanosleep = real("clock_nanosleep");
	*(void **)&lapse.timerfd_settime = real("timerfd_settime");
	if (!text || sscanf(text, "%lf %lf %lf %lf", &lapse.factor, &real_s, &monotonic_s, &boot_s) != 4) {
		lapse.factor = 1;
		return;
	}
	lapse.real_ns = (int64_t)(real_s * 1e9);
	lapse.monotonic_ns = (int64_t)(monotonic_s * 1e9);
	lapse.boot_ns = (int64_t)(boot_s * 1e9);
	lapse.steps = steps_map();
}

static int64_t to_ns(const struct timespec *t)
{
	return t->tv_sec * NS + t->tv_nsec;
}

static struct timespec from_ns(int64_t ns)
{
	return (struct timespec){.tv_sec = ns / NS, .tv_nsec = ns % NS};
}

static int64_t step_ns(unsigned n)
{
	return lapse.steps ? lapse.steps[n] : 0;
}

/* When the clock began to run faster, 0: it does not; and by how much it was set ahead since. */
static int64_t base_ns(clockid_t clock, int64_t *step)
{
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
		*step = step_ns(0);
		return lapse.real_ns;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
		*step = step_ns(1);
		return lapse.monotonic_ns;
	case CLOCK_BOOTTIME:
		*step = step_ns(2);
		return lapse.boot_ns;
	default:
		return 0;
	}
}

/* A pause of the program's in real time, not shorter than the kernel can tell from none. */
static struct timespec shorter(const struct timespec *pause)
{
	return from_ns((int64_t)((double)to_ns(pause) / lapse.factor));
}

static int shorter_ms(int ms)
{
	return ms <= 0 ? ms : (int)((ms + lapse.factor - 1) / lapse.factor);
}

/* ---- in place of the C library's */
#pragma GCC visibility push(default)

int clock_gettime(clockid_t clock, struct timespec *t)
{
	int r = lapse.clock_gettime(clock, t);
	int64_t step = 0, base = base_ns(clock, &step);

	if (r == 0 && base)
		*t = from_ns(base + (int64_t)((double)(to_ns(t) - base) * lapse.factor) + step);
	return r;
}

time_t time(time_t *out)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	if (out)
		*out = t.tv_sec;
	return t.tv_sec;
}

int gettimeofday(struct timeval *restrict out, void *restrict zone)
{
	struct timespec t;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &t);
	*out = (struct timeval){.tv_sec = t.tv_sec, .tv_usec = t.tv_nsec / 1000};
	return 0;
}

int epoll_pwait(int fd, struct epoll_event *events, int n, int timeout_ms, const sigset_t *mask)
{
	return lapse.epoll_pwait(fd, events, n, shorter_ms(timeout_ms), mask);
}

int epoll_wait(int fd, struct epoll_event *events, int n, int timeout_ms)
{
	return epoll_pwait(fd, events, n, timeout_ms, NULL);
}

int ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask)
{
	struct timespec pause = timeout ? shorter(timeout) : (struct timespec){0};

	return lapse.ppoll(fds, n, timeout ? &pause : NULL, mask);
}

int poll(struct pollfd *fds, nfds_t n, int timeout_ms)
{
	struct timespec pause = from_ns((int64_t)timeout_ms * 1000000);

	return ppoll(fds, n, timeout_ms < 0 ? NULL : &pause, NULL);
}

int select(int n, fd_set *restrict in, fd_set *restrict out, fd_set *restrict errors,
           struct timeval *restrict timeout)
{
	struct timespec pause = {0};

	if (timeout) {
		pause = (struct timespec){.tv_sec = timeout->tv_sec, .tv_nsec = timeout->tv_usec * 1000};
		pause = shorter(&pause);
	}
	return lapse.pselect(n, in, out, errors, timeout ? &pause : NULL, NULL);
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *pause, struct timespec *left)
{
	struct timespec t;

	if (flags & TIMER_ABSTIME) {
		clock_gettime(clock, &t);
		if (to_ns(pause) <= to_ns(&t))
			return 0;
		t = from_ns(to_ns(pause) - to_ns(&t));
		t = shorter(&t);
	} else {
		t = shorter(pause);
	}
	return lapse.clock_nanosleep(clock, 0, &t, flags & TIMER_ABSTIME ? NULL : left);
}

int nanosleep(const struct timespec *pause, struct timespec *left)
{
	int r = clock_nanosleep(CLOCK_MONOTONIC, 0, pause, left);

	if (r)
		errno = r;
	return r ? -1 : 0;
}

int usleep(useconds_t us)
{
	struct timespec pause = from_ns((int64_t)us * 1000);

	return nanosleep(&pause, NULL);
}

unsigned int sleep(unsigned int seconds)
{
	struct timespec pause = {.tv_sec = (time_t)seconds};

	return nanosleep(&pause, NULL) == 0 ? 0 : seconds;
}

int timerfd_settime(int fd, int flags, const struct itimerspec *new, struct itimerspec *old)
{
	struct itimerspec t = *new;

	if (!(flags & TFD_TIMER_ABSTIME)) {
		t.it_value = shorter(&new->it_value);
		t.it_interval = shorter(&new->it_interval);
	}
	return lapse.timerfd_settime(fd, flags, &t, old);
}
