/* SPDX-License-Identifier: MIT */
/* Questions to the kernel of links and routes; see uplink.h. */
#include "net/uplink.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_BYTES 32768 /* what the kernel puts into one datagram of a dump, at most */
#define LINKS_MAX    256   /* links that carry; of more the others are passed over: their routes do not count */

struct links {
	int up[LINKS_MAX];
	size_t n;
};

/* What a message of a dump adds to what is known. */
typedef void (*message_take)(const struct nlmsghdr *head, void *arg);

/* ---- one dump --------------------------------------------------------------------------------------------- */

static int dump_ask(struct uplink *u, int type)
{
	struct {
		struct nlmsghdr head;
		struct rtgenmsg body;
	} request = {.head = {.nlmsg_len = NLMSG_LENGTH(sizeof request.body),
	                      .nlmsg_type = (unsigned short)type,
	                      .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
	                      .nlmsg_seq = ++u->sequence},
	             .body = {.rtgen_family = AF_UNSPEC}};

	return send(u->ask_fd, &request, request.head.nlmsg_len, MSG_DONTWAIT) < 0 ? -errno : 0;
}

/* 1: the dump is over, 0: it goes on, or -errno. */
static int datagram_read(const struct uplink *u, struct nlmsghdr *head, size_t n, message_take take, void *arg)
{
	for (; NLMSG_OK(head, n); head = NLMSG_NEXT(head, n)) {
		if (head->nlmsg_seq != u->sequence)
			continue;
		if (head->nlmsg_flags & NLM_F_DUMP_INTR)
			return -EAGAIN;
		if (head->nlmsg_type == NLMSG_DONE)
			return 1;
		if (head->nlmsg_type == NLMSG_ERROR)
			return ((const struct nlmsgerr *)NLMSG_DATA(head))->error;
		take(head, arg);
	}
	return 0;
}

/* Netlink answers before send(2) returns, and goes on with each recv(2). */
static int dump(struct uplink *u, int type, message_take take, void *arg)
{
	_Alignas(NLMSG_ALIGNTO) char answer[ANSWER_BYTES];
	int r = dump_ask(u, type);

	while (r == 0) {
		ssize_t n = recv(u->ask_fd, answer, sizeof answer, MSG_DONTWAIT);

		r = n < 0 ? -errno : datagram_read(u, (struct nlmsghdr *)(void *)answer, (size_t)n, take, arg);
	}
	return r < 0 ? r : 0;
}

/* The attribute of that type among those of len bytes; NULL: there is none. */
static const struct rtattr *attribute_find(const struct rtattr *a, int len, unsigned short type)
{
	for (; RTA_OK(a, len); a = RTA_NEXT(a, len))
		if ((a->rta_type & NLA_TYPE_MASK) == type)
			return a;
	return NULL;
}

/* ---- links ------------------------------------------------------------------------------------------------ */

/* One that another network carries has no carrier of its own. */
static bool is_tunnel(const struct rtattr *info)
{
	static const char *const kinds[] = {"wireguard", "tun", "ipip", "sit",  "gre",    "gretap",
	                                    "ip6tnl",    "vti", "vti6", "xfrm", "geneve", "vxlan"};
	const struct rtattr *kind;

	if (info == NULL)
		return false;
	kind = attribute_find(RTA_DATA(info), (int)RTA_PAYLOAD(info), IFLA_INFO_KIND);
	for (size_t i = 0; kind != NULL && i < sizeof kinds / sizeof kinds[0]; i++)
		if (strncmp(RTA_DATA(kind), kinds[i], RTA_PAYLOAD(kind)) == 0)
			return true;
	return false;
}

static void link_take(const struct nlmsghdr *head, void *arg)
{
	const unsigned carries = IFF_UP | IFF_RUNNING;
	const struct ifinfomsg *link = NLMSG_DATA(head);
	struct links *links = arg;

	if (head->nlmsg_type != RTM_NEWLINK || (link->ifi_flags & carries) != carries ||
	    (link->ifi_flags & IFF_LOOPBACK) || links->n == LINKS_MAX)
		return;
	if (!is_tunnel(attribute_find(IFLA_RTA(link), (int)IFLA_PAYLOAD(head), IFLA_LINKINFO)))
		links->up[links->n++] = link->ifi_index;
}

/* ---- routes ------------------------------------------------------------------------------------------------ */

struct routes {
	const struct links *links;
	bool has_default;
};

static bool is_up(const struct links *links, int index)
{
	for (size_t i = 0; i < links->n; i++)
		if (links->up[i] == index)
			return true;
	return false;
}

static bool one_hop_is_up(const struct links *links, const struct rtattr *hops)
{
	const struct rtnexthop *hop = RTA_DATA(hops);
	size_t len = RTA_PAYLOAD(hops);

	while (len >= sizeof *hop && hop->rtnh_len >= sizeof *hop && hop->rtnh_len <= len) {
		if (is_up(links, hop->rtnh_ifindex))
			return true;
		if (len <= (size_t)RTNH_ALIGN(hop->rtnh_len))
			return false;
		len -= (size_t)RTNH_ALIGN(hop->rtnh_len);
		hop = RTNH_NEXT(hop);
	}
	return false;
}

static void route_take(const struct nlmsghdr *head, void *arg)
{
	const struct rtmsg *route = NLMSG_DATA(head);
	const struct rtattr *attributes = RTM_RTA(route), *out, *hops;
	int len = (int)RTM_PAYLOAD(head);
	struct routes *routes = arg;

	if (head->nlmsg_type != RTM_NEWROUTE || route->rtm_dst_len != 0 || route->rtm_type != RTN_UNICAST)
		return;
	out = attribute_find(attributes, len, RTA_OIF);
	hops = attribute_find(attributes, len, RTA_MULTIPATH);
	if ((out != NULL && is_up(routes->links, *(const int *)RTA_DATA(out))) ||
	    (hops != NULL && one_hop_is_up(routes->links, hops)))
		routes->has_default = true;
}

int uplink_read(struct uplink *u, bool *has_network)
{
	struct links links = {.n = 0};
	struct routes routes = {.links = &links};
	int r = dump(u, RTM_GETLINK, link_take, &links);

	if (r == 0)
		r = dump(u, RTM_GETROUTE, route_take, &routes);
	if (r == 0)
		*has_network = routes.has_default;
	return r;
}

/* ---- life -------------------------------------------------------------------------------------------------- */

static int route_socket(unsigned groups)
{
	const struct sockaddr_nl own = {.nl_family = AF_NETLINK, .nl_groups = groups};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE), error;

	if (fd < 0 || bind(fd, (const struct sockaddr *)&own, sizeof own) == 0)
		return fd < 0 ? -errno : fd;
	error = errno;
	close(fd);
	return -error;
}

int uplink_open(struct uplink *u)
{
	int error;

	*u = (struct uplink){.news_fd = route_socket(RTMGRP_LINK | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE),
	                     .ask_fd = -1};
	if (u->news_fd >= 0)
		u->ask_fd = route_socket(0);
	if (u->ask_fd >= 0)
		return 0;
	error = u->news_fd < 0 ? u->news_fd : u->ask_fd;
	uplink_close(u);
	return error;
}

void uplink_close(struct uplink *u)
{
	if (u->news_fd >= 0)
		close(u->news_fd);
	if (u->ask_fd >= 0)
		close(u->ask_fd);
	u->news_fd = u->ask_fd = -1;
}

/* That some were lost (ENOBUFS) is news as well. */
void uplink_drain(struct uplink *u)
{
	char news[4096];

	while (recv(u->news_fd, news, sizeof news, MSG_DONTWAIT) >= 0 || errno == ENOBUFS || errno == EINTR)
		;
}
