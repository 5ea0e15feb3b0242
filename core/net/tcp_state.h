/* SPDX-License-Identifier: MIT */
/* What the kernel knows of a TCP connection (TCP_INFO). */
#ifndef T3OPS_NET_TCP_STATE_H
#define T3OPS_NET_TCP_STATE_H

#include <stdbool.h>
#include <stdint.h>

/* *acknowledged: whether the next hop that speaks TCP has taken all that was ever sent.  False: it is not known. */
bool tcp_acknowledged(int fd, bool *acknowledged);
/* How long ago the latest data came, in the steps of the kernel's clock; 0: that is not known. */
uint64_t tcp_data_age_us(int fd);

#endif
