/* SPDX-License-Identifier: MIT */
/* Programs of servers that do not answer; see server_look.h. */
#include "monitor/server_look.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "diagnosis/fields.h"
#include "monitor/argv_words.h"
#include "plugin.h"
#include "sys/clock.h"

#define TURN_S       0.005
#define TURN_PIDS    40 /* that are looked at in one turn */
#define APART_S      1.0
#define USERS_MAX    4
#define PROGRAMS_MAX 64 /* of one server */
#define TOLD_MAX     5
#define AGAIN_US     UINT64_C(30000000)

struct program {
	unsigned pid;
	uint64_t ticks, used; /* of CPU: then, and since */
	uint64_t rss_bytes;
	char state;
};

struct asked {
	char user[T3OPS_USER_NAME_SIZE];
	uint64_t at_us;
};

struct server_look {
	struct ev_loop *loop;
	const char *proc;
	void (*tell)(void *arg, const char *pairs, uint64_t now_us);
	void *arg;
	struct ev_timer turn, again;
	DIR *pids;                     /* that are being looked through; NULL: none are */
	struct asked asked[USERS_MAX]; /* the latest ones */
	const struct asked *now;       /* whose programs are looked for; NULL: nobody's */
	struct program programs[PROGRAMS_MAX];
	size_t n;
	uint64_t looked_us; /* the first look was over */
};

/* ---- what the kernel shows ----------------------------------------------------------------------------- */

/* Its length; 0: it cannot be read. */
static size_t proc_read(const struct server_look *l, unsigned pid, const char *name, char *out, size_t size)
{
	char path[300];
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof path, "%s/%u/%s", l->proc, pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, out, size - 1);
		close(fd);
	}
	out[n > 0 ? n : 0] = '\0';
	return n > 0 ? (size_t)n : 0;
}

static bool stat_read(const struct server_look *l, struct program *p)
{
	char text[1024];
	const char *rest = proc_read(l, p->pid, "stat", text, sizeof text) > 0 ? strrchr(text, ')') : NULL;
	unsigned long long user, system;
	long pages;

	if (rest == NULL || sscanf(rest,
	                           ") %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %*d %*d %*d %*d %*d %*d "
	                           "%*u %*u %ld",
	                           &p->state, &user, &system, &pages) != 4)
		return false;
	p->used = user + system - p->ticks;
	p->ticks = user + system;
	p->rss_bytes = pages > 0 ? (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
	return true;
}

/* A unit's name has \x2d where the user's has what is not allowed there. */
static bool instance_is(const char *from, size_t n, const char *user)
{
	for (size_t i = 0; i < n; user++) {
		unsigned code;
		bool escaped = from[i] == '\\' && i + 4 <= n && sscanf(from + i, "\\x%2x", &code) == 1;

		if (*user == '\0' || (unsigned char)*user != (escaped ? code : (unsigned char)from[i]))
			return false;
		i += escaped ? 4 : 1;
	}
	return *user == '\0';
}

bool server_look_is_of(const char *cgroup, const char *user)
{
	for (const char *at = strchr(cgroup, '@'); at != NULL; at = strchr(at + 1, '@')) {
		const char *end = strpbrk(at, "/\n");
		const char *service = memmem(at, end != NULL ? (size_t)(end - at) : strlen(at), ".service", 8);

		if (service != NULL && instance_is(at + 1, (size_t)(service - at - 1), user))
			return true;
	}
	return false;
}

/* ---- two looks ----------------------------------------------------------------------------------------- */

static void pid_look(struct server_look *l, unsigned pid)
{
	struct program p = {.pid = pid};
	char cgroup[1024];

	if (l->n < PROGRAMS_MAX && proc_read(l, pid, "cgroup", cgroup, sizeof cgroup) > 0 &&
	    server_look_is_of(cgroup, l->now->user) && stat_read(l, &p))
		l->programs[l->n++] = p;
}

static int by_use(const void *a, const void *b)
{
	const struct program *x = a, *y = b;

	if (x->used != y->used)
		return x->used < y->used ? 1 : -1;
	return x->rss_bytes < y->rss_bytes ? 1 : x->rss_bytes > y->rss_bytes ? -1 : 0;
}

static void program_tell(const struct server_look *l, const struct program *p, uint64_t now_us)
{
	double seconds = now_us > l->looked_us ? (double)(now_us - l->looked_us) / 1e6 : 1;
	char argv[1024], words[512], *pairs = NULL;
	size_t n = proc_read(l, p->pid, "cmdline", argv, sizeof argv), len = 0;
	FILE *out = open_memstream(&pairs, &len);

	if (out == NULL)
		return;
	argv_words(argv, n, words, sizeof words);
	field_write_text("user", l->now->user, out);
	fprintf(out, " pid=%u state=%c cpu=%.2f rss_bytes=%" PRIu64, p->pid, p->state,
	        (double)p->used / (double)sysconf(_SC_CLK_TCK) / seconds, p->rss_bytes);
	field_write_text("argv", words, out);
	if (fclose(out) == 0)
		l->tell(l->arg, pairs, now_us);
	free(pairs);
}

static void on_again(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct server_look *l = w->data;
	uint64_t now_us = clock_mono_us();
	size_t left = 0;

	(void)loop, (void)revents;
	for (size_t i = 0; i < l->n; i++)
		if (stat_read(l, &l->programs[i]))
			l->programs[left++] = l->programs[i];
	qsort(l->programs, left, sizeof l->programs[0], by_use);
	for (size_t i = 0; i < left && i < TOLD_MAX; i++)
		program_tell(l, &l->programs[i], now_us);
	l->now = NULL;
}

static void look_end(struct server_look *l)
{
	closedir(l->pids);
	l->pids = NULL;
	ev_timer_stop(l->loop, &l->turn);
	l->looked_us = clock_mono_us();
	ev_timer_set(&l->again, APART_S, 0.);
	ev_timer_start(l->loop, &l->again);
}

static void on_turn(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct server_look *l = w->data;

	(void)loop, (void)revents;
	for (size_t i = 0; i < TURN_PIDS; i++) {
		const struct dirent *e = readdir(l->pids);
		unsigned pid = e != NULL ? (unsigned)strtoul(e->d_name, NULL, 10) : 0;

		if (e == NULL) {
			look_end(l);
			return;
		}
		if (pid > 0)
			pid_look(l, pid);
	}
}

/* ---- life ---------------------------------------------------------------------------------------------- */

struct server_look *server_look_new(struct ev_loop *loop, const char *proc,
                                    void (*tell)(void *arg, const char *pairs, uint64_t now_us), void *arg)
{
	struct server_look *l = calloc(1, sizeof *l);

	if (l == NULL)
		return NULL;
	l->loop = loop;
	l->proc = proc;
	l->tell = tell;
	l->arg = arg;
	ev_timer_init(&l->turn, on_turn, TURN_S, TURN_S);
	ev_timer_init(&l->again, on_again, APART_S, 0.);
	l->turn.data = l->again.data = l;
	return l;
}

void server_look_free(struct server_look *l)
{
	if (l == NULL)
		return;
	ev_timer_stop(l->loop, &l->turn);
	ev_timer_stop(l->loop, &l->again);
	if (l->pids != NULL)
		closedir(l->pids);
	free(l);
}

/* A place for the user; NULL: it was asked of a moment ago, or there is none. */
static struct asked *place_of(struct server_look *l, const char *user, uint64_t now_us)
{
	struct asked *place = NULL;

	for (size_t i = 0; i < USERS_MAX; i++) {
		struct asked *a = &l->asked[i];

		if (a->user[0] == '\0' || now_us >= a->at_us + AGAIN_US)
			place = a;
		else if (strcmp(a->user, user) == 0)
			return NULL;
	}
	return place;
}

void server_look_ask(struct server_look *l, const char *user, uint64_t now_us)
{
	struct asked *a = l->now == NULL ? place_of(l, user, now_us) : NULL;

	if (a == NULL)
		return;
	l->pids = opendir(l->proc);
	if (l->pids == NULL)
		return;
	a->at_us = now_us;
	snprintf(a->user, sizeof a->user, "%s", user);
	l->now = a;
	l->n = 0;
	ev_timer_again(l->loop, &l->turn);
}
