/* SPDX-License-Identifier: MIT */
/* Whether a TLS server takes WebSockets over HTTP/2 (RFC 8441), by the settings that it announces.  Blocks. */
#ifndef T3OPS_CTL_H2_OFFER_H
#define T3OPS_CTL_H2_OFFER_H

enum h2_offer {
	H2_OFFER_UNKNOWN, /* it could not be asked */
	H2_OFFER_NONE,    /* no HTTP/2, or no WebSockets over it */
	H2_OFFER_WEBSOCKETS
};

/* ip and port: where; host: for its certificate to be the right one, which is not looked at. */
enum h2_offer h2_offer_ask(const char *ip, const char *port, const char *host, unsigned timeout_ms);

#endif
