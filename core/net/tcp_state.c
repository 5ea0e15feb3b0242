/* SPDX-License-Identifier: MIT */
/* What the kernel knows of a TCP connection; see tcp_state.h. */
#include "net/tcp_state.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>

/* An older kernel knows less of it. */
static bool info_read(int fd, struct tcp_info *info, socklen_t needed)
{
	socklen_t len = sizeof *info;

	*info = (struct tcp_info){.tcpi_state = 0};
	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, &len) == 0 && len >= needed;
}

bool tcp_acknowledged(int fd, bool *acknowledged)
{
	struct tcp_info info;

	if (!info_read(fd, &info, offsetof(struct tcp_info, tcpi_notsent_bytes) + sizeof info.tcpi_notsent_bytes))
		return false;
	*acknowledged = info.tcpi_unacked == 0 && info.tcpi_notsent_bytes == 0;
	return true;
}

uint64_t tcp_data_age_us(int fd)
{
	struct tcp_info info;

	if (!info_read(fd, &info, offsetof(struct tcp_info, tcpi_last_data_recv) + sizeof info.tcpi_last_data_recv))
		return 0;
	return UINT64_C(1000) * info.tcpi_last_data_recv;
}
