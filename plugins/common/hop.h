/* SPDX-License-Identifier: MIT */
/* A hop of the path, by its numeric address: where it is, and sockets to it that do not block.  Prober process. */
#ifndef T3OPS_PLUGINS_COMMON_HOP_H
#define T3OPS_PLUGINS_COMMON_HOP_H

#include <stdbool.h>
#include <sys/socket.h>

struct hop {
	struct sockaddr_storage address;
	socklen_t len;
	bool has_port;
};

/* ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT, as an option of type address has it; false: it is none of them. */
bool hop_parse(const char *text, struct hop *out);
/* A socket that goes out by the device, or from the address, `interface`; "": any.  The descriptor, or -errno. */
int hop_socket(const struct hop *to, int type, int protocol, const char *interface);

#define HOP_INTERFACE_OPTION                                                                                         \
	{                                                                                                            \
		"interface", T3OPS_OPT_INTERFACE, "", 0, 0,                                                          \
		    "Network device or source address to go out by; empty: any."                                     \
	}

#endif
