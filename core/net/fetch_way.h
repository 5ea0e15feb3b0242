/* SPDX-License-Identifier: MIT */
/* Where a transfer goes if not to where its URL says: to a user's t3 server, which must be whose it should be. */
#ifndef T3OPS_NET_FETCH_WAY_H
#define T3OPS_NET_FETCH_WAY_H

#include "net/dial.h"

struct fetch_way {
	struct dialer *dialer;     /* NULL: it leads nowhere */
	struct dial_target target; /* with neither owner nor as_it_is: the same */
};

#endif
