/* SPDX-License-Identifier: MIT */
/* Questions to the kernel by netlink; see socket_owner.h. */
#include "net/socket_owner.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#define STATES       ((1u << 1) | (1u << 8)) /* TCP_ESTABLISHED, TCP_CLOSE_WAIT: linux/tcp_states.h */
#define LISTENS      (1u << 10)              /* TCP_LISTEN */
#define ANSWER_BYTES 512
#define BATCH        16

struct answer {
	_Alignas(NLMSG_ALIGNTO) char bytes[ANSWER_BYTES];
};

/* An address of either family in one form. */
struct endpoint {
	int family;
	unsigned char address[16];
	size_t len;
	uint16_t port; /* network order */
	uint32_t scope;
};

static bool endpoint_read(struct endpoint *e, const struct sockaddr *from)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)from;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)from;

	*e = (struct endpoint){.family = from->sa_family};
	if (from->sa_family == AF_INET) {
		e->len = sizeof v4->sin_addr;
		e->port = v4->sin_port;
		memcpy(e->address, &v4->sin_addr, e->len);
	} else if (from->sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
		*e = (struct endpoint){.family = AF_INET, .len = 4, .port = v6->sin6_port};
		memcpy(e->address, &v6->sin6_addr.s6_addr[12], e->len);
	} else if (from->sa_family == AF_INET6) {
		e->len = sizeof v6->sin6_addr;
		e->port = v6->sin6_port;
		e->scope = v6->sin6_scope_id;
		memcpy(e->address, &v6->sin6_addr, e->len);
	}
	return e->len > 0;
}

/* The answer to a request: its length, or -errno.  Netlink answers before sendto(2) returns. */
static ssize_t ask(int fd, struct nlmsghdr *request, void *answer, size_t size)
{
	struct nlmsghdr *head = answer;
	ssize_t n = send(fd, request, request->nlmsg_len, MSG_DONTWAIT);

	if (n < 0)
		return -errno;
	do { /* what an earlier question left is not ours */
		n = recv(fd, answer, size, MSG_DONTWAIT);
		if (n < 0)
			return -errno;
	} while (NLMSG_OK(head, (size_t)n) && head->nlmsg_seq != request->nlmsg_seq);
	if (!NLMSG_OK(head, (size_t)n))
		return -EPROTO;
	if (head->nlmsg_type == NLMSG_ERROR)
		return ((const struct nlmsgerr *)NLMSG_DATA(head))->error;
	return n;
}

/* ---- whether an address is one of this machine -------------------------------------------------------------- */

static bool is_loopback(const struct endpoint *e)
{
	static const unsigned char v6[16] = {[15] = 1};

	return e->family == AF_INET ? e->address[0] == 127 : memcmp(e->address, v6, sizeof v6) == 0;
}

static void attribute_add(struct nlmsghdr *head, unsigned short type, const void *value, size_t len)
{
	struct rtattr *a = (struct rtattr *)(void *)((char *)head + NLMSG_ALIGN(head->nlmsg_len));

	a->rta_type = type;
	a->rta_len = (unsigned short)RTA_LENGTH(len);
	memcpy(RTA_DATA(a), value, len);
	head->nlmsg_len = (unsigned)(NLMSG_ALIGN(head->nlmsg_len) + RTA_ALIGN(a->rta_len));
}

/* What the kernel answers for an address that nothing leads to. */
static bool is_no_route(ssize_t error)
{
	return error == -ENETUNREACH || error == -EHOSTUNREACH || error == -EACCES || error == -EINVAL;
}

/* A packet to an address of this machine is delivered, not sent: its route is of type local.  Without an answer it
 * counts as one. */
static bool has_local_route(struct socket_owner *s, const struct endpoint *e)
{
	struct {
		struct nlmsghdr head;
		struct rtmsg route;
		char attributes[RTA_SPACE(16) + RTA_SPACE(4)];
	} request = {.head = {.nlmsg_len = NLMSG_LENGTH(sizeof request.route),
	                      .nlmsg_type = RTM_GETROUTE,
	                      .nlmsg_flags = NLM_F_REQUEST,
	                      .nlmsg_seq = ++s->sequence},
	             .route = {.rtm_family = (unsigned char)e->family, .rtm_dst_len = (unsigned char)(e->len * 8)}};
	_Alignas(NLMSG_ALIGNTO) char answer[ANSWER_BYTES];
	ssize_t n;

	attribute_add(&request.head, RTA_DST, e->address, e->len);
	if (e->scope != 0)
		attribute_add(&request.head, RTA_OIF, &e->scope, sizeof e->scope);
	n = ask(s->route_fd, &request.head, answer, sizeof answer);
	if (n < (ssize_t)NLMSG_LENGTH(sizeof(struct rtmsg)))
		return !is_no_route(n);
	return ((const struct rtmsg *)NLMSG_DATA((struct nlmsghdr *)(void *)answer))->rtm_type == RTN_LOCAL;
}

static bool is_ours(struct socket_owner *s, const struct endpoint *peer, const struct endpoint *own)
{
	return is_loopback(peer) ||
	       (peer->family == own->family && memcmp(peer->address, own->address, peer->len) == 0) ||
	       has_local_route(s, peer);
}

bool socket_owner_is_local(struct socket_owner *s, const struct sockaddr *address)
{
	struct endpoint e;

	return endpoint_read(&e, address) && (is_loopback(&e) || has_local_route(s, &e));
}

/* ---- whose socket it is ------------------------------------------------------------------------------------- */

struct socket_request {
	struct nlmsghdr head;
	struct inet_diag_req_v2 query;
};

/* For the socket whose own end is `there` and whose peer is `here`. */
static void socket_request_make(struct socket_owner *s, const struct endpoint *there, const struct endpoint *here,
                                unsigned states, struct socket_request *out)
{
	*out = (struct socket_request){.head = {.nlmsg_len = sizeof *out,
	                                        .nlmsg_type = SOCK_DIAG_BY_FAMILY,
	                                        .nlmsg_flags = NLM_F_REQUEST,
	                                        .nlmsg_seq = ++s->sequence},
	                               .query = {.sdiag_family = (unsigned char)there->family,
	                                         .sdiag_protocol = IPPROTO_TCP,
	                                         .idiag_states = states,
	                                         .id = {.idiag_sport = there->port,
	                                                .idiag_dport = here->port,
	                                                .idiag_if = there->scope,
	                                                .idiag_cookie = {INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE}}}};
	memcpy(out->query.id.idiag_src, there->address, there->len);
	memcpy(out->query.id.idiag_dst, here->address, here->len);
}

/* The socket of an answer of n bytes, in one of the states; NULL: there is none. */
static const struct inet_diag_msg *socket_read(const struct answer *answer, ssize_t n, unsigned states)
{
	const struct nlmsghdr *head = (const void *)answer->bytes;
	const struct inet_diag_msg *found = NLMSG_DATA(head);

	if (n < (ssize_t)NLMSG_LENGTH(sizeof *found) || head->nlmsg_type != SOCK_DIAG_BY_FAMILY)
		return NULL;
	/* The filter of states is for dumps only: it is applied here. */
	return (1u << found->idiag_state) & states ? found : NULL;
}

uint64_t socket_owner_listener(struct socket_owner *s, const struct sockaddr *address)
{
	struct endpoint there, nobody = {0};
	struct socket_request request;
	struct answer answer;
	const struct inet_diag_msg *found;

	if (!endpoint_read(&there, address))
		return 0;
	nobody.len = there.len;
	socket_request_make(s, &there, &nobody, LISTENS, &request);
	found = socket_read(&answer, ask(s->diag_fd, &request.head, answer.bytes, sizeof answer.bytes), LISTENS);
	return found ? (uint64_t)found->id.idiag_cookie[1] << 32 | found->id.idiag_cookie[0] : 0;
}

/* ---- many at once ------------------------------------------------------------------------------------------- */

/* One datagram of requests, each of which has an answer of its own. */
struct batch {
	struct socket_request requests[BATCH];
	struct socket_owner_question *of[BATCH];
	unsigned n;
};

/* Without a request, if the answer is known. */
static void batch_add(struct socket_owner *s, struct batch *b, struct socket_owner_question *q)
{
	struct endpoint there, here;

	q->result = SOCKET_OWNER_UNKNOWN;
	if (!endpoint_read(&there, q->peer) || !endpoint_read(&here, q->own))
		return;
	if (!is_ours(s, &there, &here)) {
		q->result = SOCKET_OWNER_ELSEWHERE;
		return;
	}
	socket_request_make(s, &there, &here, STATES, &b->requests[b->n]);
	b->of[b->n++] = q;
}

/* Whose answer has that number; NULL: an earlier question's.  Looking for a route takes numbers in between. */
static struct socket_owner_question *batch_find(const struct batch *b, uint32_t sequence)
{
	for (unsigned i = 0; i < b->n; i++)
		if (b->requests[i].head.nlmsg_seq == sequence)
			return b->of[i];
	return NULL;
}

/* False: an earlier question left it. */
static bool batch_answer(const struct batch *b, const struct answer *answer, size_t n)
{
	const struct nlmsghdr *head = (const void *)answer->bytes;
	struct socket_owner_question *q = NLMSG_OK(head, n) ? batch_find(b, head->nlmsg_seq) : NULL;
	const struct inet_diag_msg *found;

	if (!q)
		return false;
	found = socket_read(answer, (ssize_t)n, STATES);
	if (found && found->idiag_inode != 0) {
		q->uid = found->idiag_uid;
		q->result = SOCKET_OWNER_FOUND;
	}
	return true;
}

/* Netlink answers before sendto(2) returns. */
static void batch_ask(struct socket_owner *s, const struct batch *b)
{
	struct answer answers[BATCH];
	struct iovec parts[BATCH];
	struct mmsghdr messages[BATCH] = {0};
	int n;

	if (b->n == 0 || send(s->diag_fd, b->requests, b->n * sizeof b->requests[0], MSG_DONTWAIT) < 0)
		return;
	for (unsigned i = 0; i < b->n; i++) {
		parts[i] = (struct iovec){answers[i].bytes, sizeof answers[i].bytes};
		messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
	}
	for (unsigned left = b->n; left > 0;) {
		n = recvmmsg(s->diag_fd, messages, left, MSG_DONTWAIT, NULL);
		if (n <= 0)
			return;
		for (int i = 0; i < n; i++)
			left -= batch_answer(b, &answers[i], messages[i].msg_len);
	}
}

void socket_owner_ask(struct socket_owner *s, struct socket_owner_question *questions, size_t n)
{
	struct batch b;

	for (size_t i = 0; i < n;) {
		b.n = 0;
		for (; i < n && b.n < BATCH; i++)
			batch_add(s, &b, &questions[i]);
		batch_ask(s, &b);
	}
}

/* ---- whether it still is ------------------------------------------------------------------------------------ */

static bool is_connected(int fd)
{
	struct sockaddr_storage peer;
	socklen_t len = sizeof peer;

	return getpeername(fd, (struct sockaddr *)&peer, &len) == 0;
}

enum socket_owner_result socket_owner_find(struct socket_owner *s, int fd, const struct sockaddr *peer, uid_t *uid)
{
	struct sockaddr_storage name;
	socklen_t len = sizeof name;
	struct socket_owner_question q = {.peer = peer, .own = (const struct sockaddr *)&name};

	if (getsockname(fd, (struct sockaddr *)&name, &len) < 0)
		return SOCKET_OWNER_UNKNOWN;
	socket_owner_ask(s, &q, 1);
	if (q.result == SOCKET_OWNER_ELSEWHERE)
		return q.result;
	if (q.result == SOCKET_OWNER_FOUND)
		*uid = q.uid;
	return is_connected(fd) ? q.result : SOCKET_OWNER_UNKNOWN;
}

/* recvmmsg(2) looks for a pending error before it reads, recv(2) only when nothing is left to be read.  Whatever
 * takes a connection away from its four numbers (a reset, a timeout, an abort) sets the error first. */
ssize_t socket_owner_read(int fd, void *bytes, size_t size)
{
	struct iovec part = {bytes, size};
	struct mmsghdr message = {.msg_hdr = {.msg_iov = &part, .msg_iovlen = 1}};
	int n = recvmmsg(fd, &message, 1, MSG_DONTWAIT, NULL);

	return n > 0 ? (ssize_t)message.msg_len : n == 0 ? -EAGAIN : -errno;
}

/* ---- where connections arrive ------------------------------------------------------------------------------- */

static bool is_any(const struct sockaddr *a)
{
	struct endpoint e;
	static const unsigned char zeros[sizeof e.address];

	return !endpoint_read(&e, a) || memcmp(e.address, zeros, e.len) == 0;
}

/* One that is transparent accepts what was meant for others, too. */
static bool is_transparent(int fd, int family)
{
	int on = 0;
	socklen_t len = sizeof on;

	if (family == AF_INET6)
		return getsockopt(fd, IPPROTO_IPV6, IPV6_TRANSPARENT, &on, &len) < 0 || on != 0;
	return getsockopt(fd, IPPROTO_IP, IP_TRANSPARENT, &on, &len) < 0 || on != 0;
}

bool socket_owner_is_at(int listener, struct sockaddr_storage *at)
{
	socklen_t len = sizeof *at;
	const struct sockaddr *name = (const struct sockaddr *)at;

	return getsockname(listener, (struct sockaddr *)at, &len) == 0 && !is_any(name) &&
	       !is_transparent(listener, name->sa_family);
}

/* The accepted end of a connection from client to listener, both new; -1: it cannot be made. */
static int loopback_accept(int listener, int client)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof at;

	if (bind(listener, (struct sockaddr *)&at, len) < 0 || listen(listener, 1) < 0 ||
	    getsockname(listener, (struct sockaddr *)&at, &len) < 0 ||
	    connect(client, (struct sockaddr *)&at, len) < 0)
		return -1;
	return accept4(listener, NULL, NULL, SOCK_CLOEXEC);
}

bool socket_owner_works(struct socket_owner *s)
{
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), server = loopback_accept(listener, client);
	struct sockaddr_in peer = {0};
	socklen_t len = sizeof peer;
	uid_t uid = 0;
	bool works = getpeername(client, (struct sockaddr *)&peer, &len) == 0 &&
	             socket_owner_find(s, client, (struct sockaddr *)&peer, &uid) == SOCKET_OWNER_FOUND &&
	             uid == geteuid();

	if (server >= 0)
		close(server);
	if (client >= 0)
		close(client);
	if (listener >= 0)
		close(listener);
	return works;
}

/* ---- life --------------------------------------------------------------------------------------------------- */

/* One that talks to the kernel alone; -1: errno. */
static int netlink_open(int protocol)
{
	const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol), error;

	if (fd < 0 || connect(fd, (const struct sockaddr *)&kernel, sizeof kernel) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

int socket_owner_open(struct socket_owner *s)
{
	*s = (struct socket_owner){.diag_fd = netlink_open(NETLINK_SOCK_DIAG)};
	s->route_fd = s->diag_fd < 0 ? -1 : netlink_open(NETLINK_ROUTE);
	if (s->route_fd >= 0)
		return 0;
	socket_owner_close(s);
	return -errno;
}

void socket_owner_close(struct socket_owner *s)
{
	int error = errno;

	if (s->diag_fd >= 0)
		close(s->diag_fd);
	if (s->route_fd >= 0)
		close(s->route_fd);
	s->diag_fd = s->route_fd = -1;
	errno = error;
}
