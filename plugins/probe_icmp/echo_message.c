/* SPDX-License-Identifier: MIT */
/* Echo requests and replies; see echo_message.h. */
#include "probe_icmp/echo_message.h"

#include <string.h>

#define REQUEST    8
#define REPLY      0
#define REQUEST_V6 128
#define REPLY_V6   129
#define HEAD_BYTES 8 /* type, code, checksum, identifier, number */

/* What follows the head, so that somebody who looks at the network knows whose it is. */
static const char mark[] = "t3ops probe_icmp";

void echo_request(bool v6, uint16_t number, unsigned char out[ECHO_BYTES])
{
	memset(out, 0, ECHO_BYTES);
	out[0] = v6 ? REQUEST_V6 : REQUEST;
	out[6] = (unsigned char)(number >> 8);
	out[7] = (unsigned char)number;
	memcpy(out + HEAD_BYTES, mark, sizeof mark - 1);
}

bool echo_reply(bool v6, const unsigned char *message, size_t len, uint16_t *number)
{
	if (len != ECHO_BYTES || message[0] != (v6 ? REPLY_V6 : REPLY) || message[1] != 0 ||
	    memcmp(message + HEAD_BYTES, mark, sizeof mark - 1) != 0)
		return false;
	*number = (uint16_t)(message[6] << 8 | message[7]);
	return true;
}
