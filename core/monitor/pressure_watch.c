/* SPDX-License-Identifier: MIT */
/* Triggers of pressure on the loop; see pressure_watch.h. */
#include "monitor/pressure_watch.h"

#include <sys/epoll.h>
#include <unistd.h>

static void on_news(struct ev_loop *loop, struct ev_io *io, int revents)
{
	const struct pressure_watch *w = io->data;

	(void)loop, (void)revents;
	w->came(w->arg);
}

/* A trigger is always readable and says by EPOLLPRI that it fired, for which libev cannot wait: an epoll of its own
 * can, and is readable itself then. */
void pressure_watch_init(struct pressure_watch *w, struct ev_loop *loop, const struct pressure_triggers *triggers,
                         void (*came)(void *arg), void *arg)
{
	struct epoll_event e = {.events = EPOLLPRI};
	int fd = triggers != NULL && triggers->n > 0 ? epoll_create1(EPOLL_CLOEXEC) : -1;

	*w = (struct pressure_watch){.came = came, .arg = arg};
	if (fd < 0)
		return;
	for (size_t i = 0; i < triggers->n; i++) {
		if (epoll_ctl(fd, EPOLL_CTL_ADD, triggers->fds[i], &e) == 0)
			continue;
		close(fd);
		return;
	}
	w->loop = loop;
	ev_io_init(&w->news, on_news, fd, EV_READ);
	w->news.data = w;
}

void pressure_watch_fini(struct pressure_watch *w)
{
	if (w->loop == NULL)
		return;
	ev_io_stop(w->loop, &w->news);
	close(w->news.fd);
	w->loop = NULL;
}

bool pressure_watch_has(const struct pressure_watch *w)
{
	return w->loop != NULL;
}

void pressure_watch_listen(struct pressure_watch *w, bool yes)
{
	if (w->loop == NULL)
		return;
	if (yes)
		ev_io_start(w->loop, &w->news);
	else
		ev_io_stop(w->loop, &w->news);
}

bool pressure_watch_fired(const struct pressure_watch *w)
{
	struct epoll_event e;

	return w->loop != NULL && epoll_wait(w->news.fd, &e, 1, 0) > 0;
}
