/* SPDX-License-Identifier: MIT */
/* The control socket from the outside; see link.h. */
#include "ctl/link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define CONNECT_LIMIT_S 10 /* with a daemon that stands still the queue of its socket is full */

static int connect_to(int fd, const char *path, unsigned timeout_s)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	struct timeval timeout = {.tv_sec = timeout_s}, connecting = {.tv_sec = CONNECT_LIMIT_S};

	if (strlen(path) >= sizeof a.sun_path)
		return -ENAMETOOLONG;
	strcpy(a.sun_path, path);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &connecting, sizeof connecting) < 0)
		return -errno;
	return connect(fd, (struct sockaddr *)&a, sizeof a) < 0 ? -errno : 0;
}

int link_open(struct link *l, const char *path, unsigned timeout_s)
{
	int r;

	l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (l->fd < 0)
		return -errno;
	r = connect_to(l->fd, path, timeout_s);
	if (r == 0) {
		l->in = fdopen(l->fd, "r");
		r = l->in != NULL ? 0 : -errno;
	}
	if (r < 0)
		close(l->fd);
	return r;
}

void link_close(struct link *l)
{
	fclose(l->in);
}

int link_send(struct link *l, const json_t *request)
{
	char *text = json_dumps(request, JSON_COMPACT), *line = NULL;
	int n = text != NULL ? asprintf(&line, "%s\n", text) : -1, r = n < 0 ? -ENOMEM : 0;
	ssize_t done = 0;

	while (r == 0 && done < n) {
		ssize_t sent = send(l->fd, line + done, (size_t)(n - done), MSG_NOSIGNAL);

		if (sent < 0 && errno != EINTR)
			r = -errno;
		done += sent > 0 ? sent : 0;
	}
	if (n >= 0)
		free(line);
	free(text);
	return r;
}

json_t *link_receive(struct link *l)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t n;
	json_t *answer;

	errno = 0;
	n = getline(&line, &size, l->in);
	if (n < 0) {
		free(line);
		return NULL;
	}
	answer = json_loadb(line, (size_t)n, 0, NULL);
	free(line);
	if (answer == NULL)
		errno = EPROTO;
	return answer;
}

const char *link_refusal(int error)
{
	switch (error) {
	case -ENOENT:
	case -ECONNREFUSED:
		return "t3ops does not listen there; is it running?";
	case -EACCES:
		return "you may not use this socket: be root, or in the group that owns it";
	case -EAGAIN:
		return "no answer in time";
	default:
		return strerror(-error);
	}
}
