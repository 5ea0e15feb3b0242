/* SPDX-License-Identifier: MIT */
/* Trust in peers; see peer.h. */
#include "proxy/peer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/cidr.h"
#include "proxy/proxy_conf.h"
#include "net/socket_owner.h"

struct peers {
	const struct proxy_conf *conf;
	struct socket_owner owner;
};

struct peers *peers_new(const struct proxy_conf *conf)
{
	struct peers *all = calloc(1, sizeof *all);
	int r;

	if (!all)
		return NULL;
	all->conf = conf;
	r = socket_owner_open(&all->owner);
	if (r == 0)
		return all;
	free(all);
	errno = -r;
	return NULL;
}

void peers_free(struct peers *all)
{
	if (!all)
		return;
	socket_owner_close(&all->owner);
	free(all);
}

static bool is_trusted_account(const struct proxy_conf *conf, uid_t uid)
{
	for (size_t i = 0; i < conf->n_trusted_uids; i++)
		if (conf->trusted_uids[i] == uid)
			return true;
	return false;
}

/* A Unix socket's mode says who can connect, and the kernel who did. */
static enum peer_trust unix_trust_of(const struct proxy_conf *conf, int fd, uid_t *uid)
{
	struct ucred peer;
	socklen_t len = sizeof peer;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return PEER_UNKNOWN;
	*uid = peer.uid;
	return is_trusted_account(conf, peer.uid) ? PEER_TRUSTED : PEER_OTHER_ACCOUNT;
}

static enum peer_trust owner_trust(const struct proxy_conf *conf, enum socket_owner_result result, uid_t uid)
{
	switch (result) {
	case SOCKET_OWNER_ELSEWHERE:
		return PEER_TRUSTED;
	case SOCKET_OWNER_FOUND:
		return is_trusted_account(conf, uid) ? PEER_TRUSTED : PEER_OTHER_ACCOUNT;
	default:
		return PEER_UNKNOWN;
	}
}

/* False: the owner of its socket is to be asked for. */
static bool peer_begin(const struct peers *all, int fd, const struct sockaddr *address, struct peer *out)
{
	*out = (struct peer){0};
	peer_name(address, out->address, sizeof out->address);
	if (address->sa_family != AF_UNIX)
		return !cidr_has(&all->conf->trusted, address);
	strcpy(out->address, PEER_LOCAL);
	out->trust = unix_trust_of(all->conf, fd, &out->uid);
	return true;
}

void peer_find(struct peers *all, int fd, const struct sockaddr *address, struct peer *out)
{
	enum socket_owner_result result;

	if (peer_begin(all, fd, address, out))
		return;
	result = socket_owner_find(&all->owner, fd, address, &out->uid);
	out->trust = owner_trust(all->conf, result, out->uid);
}

/* Without where it has its own end, nothing can be asked. */
static bool question_make(struct socket_owner_question *q, const struct arrival *a, const struct sockaddr *at,
                          struct sockaddr_storage *own)
{
	socklen_t len = sizeof *own;

	*q = (struct socket_owner_question){.peer = (const struct sockaddr *)&a->address, .own = at};
	if (at)
		return true;
	q->own = (const struct sockaddr *)own;
	return getsockname(a->fd, (struct sockaddr *)own, &len) == 0;
}

void peers_find(struct peers *all, const struct sockaddr *at, struct arrival *arrivals, size_t n)
{
	struct socket_owner_question questions[ARRIVALS_AT_ONCE];
	struct sockaddr_storage own[ARRIVALS_AT_ONCE];
	struct peer *of[ARRIVALS_AT_ONCE];
	size_t asked = 0;

	for (size_t i = 0; i < n; i++) {
		struct arrival *a = &arrivals[i];

		if (peer_begin(all, a->fd, (const struct sockaddr *)&a->address, &a->peer))
			continue;
		a->peer.trust = PEER_UNKNOWN;
		if (question_make(&questions[asked], a, at, &own[asked]))
			of[asked++] = &a->peer;
	}
	socket_owner_ask(&all->owner, questions, asked);
	for (size_t i = 0; i < asked; i++) {
		of[i]->uid = questions[i].uid;
		of[i]->asked = questions[i].result == SOCKET_OWNER_FOUND;
		of[i]->trust = owner_trust(all->conf, questions[i].result, questions[i].uid);
	}
}

ssize_t peer_read(struct peer *p, int fd, void *bytes, size_t size)
{
	ssize_t n;

	if (p->asked) {
		n = socket_owner_read(fd, bytes, size);
		p->asked = n == -EINTR;
		if (n >= 0 || n == -EAGAIN || n == -EINTR)
			return n;
		p->trust = PEER_UNKNOWN;
	}
	n = recv(fd, bytes, size, MSG_DONTWAIT);
	return n >= 0 ? n : -errno;
}

void peer_find_named(struct peers *all, const struct sockaddr *address, struct peer *out)
{
	*out = (struct peer){.address = PEER_LOCAL, .proxied = true};
	if (!address)
		return;
	peer_name(address, out->address, sizeof out->address);
	if (cidr_has(&all->conf->trusted, address))
		out->trust = socket_owner_is_local(&all->owner, address) ? PEER_UNKNOWN : PEER_TRUSTED;
}

void peer_hint(const struct peer *p, char *out, size_t size)
{
	switch (p->trust) {
	case PEER_TRUSTED:
		out[0] = '\0';
		break;
	case PEER_OTHER_ACCOUNT:
		snprintf(out, size,
		         "a process of uid %u sent it; add that account to trusted_local_users if it is your proxy",
		         (unsigned)p->uid);
		break;
	case PEER_UNKNOWN:
		if (p->proxied) {
			snprintf(out, size,
			         "its PROXY header names an address of this machine, and whose process connected "
			         "from there cannot be told");
			break;
		}
		snprintf(out, size,
		         "the local process that sent it could not be determined; it may have closed the connection "
		         "already");
		break;
	default:
		snprintf(out, size, "add the peer to trusted_proxies if it is your proxy");
	}
}
