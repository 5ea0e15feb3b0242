/* SPDX-License-Identifier: MIT */
/* Why a leg's transfer failed; see fetch_reason.h. */
#include "net/fetch_reason.h"

#include <errno.h>

static enum t3ops_reason timeout_reason(uint32_t step)
{
	switch (step) {
	case T3OPS_STEP_DNS:
		return T3OPS_R_DNS;
	case T3OPS_STEP_CONNECT:
	case T3OPS_STEP_TLS: /* nothing was answered that TLS could find wrong */
		return T3OPS_R_CONNECT_TIMEOUT;
	default:
		return T3OPS_R_HTTP_TIMEOUT;
	}
}

enum t3ops_reason fetch_reason(int error, uint32_t step)
{
	switch (error) {
	case -ENOENT:
		return T3OPS_R_DNS;
	case -ECONNREFUSED:
		return T3OPS_R_REFUSED;
	case -EHOSTUNREACH:
	case -ENETUNREACH:
	case -ENETDOWN:
	case -EADDRNOTAVAIL:
	case -EACCES:
	case -EPERM:
		return T3OPS_R_UNREACHABLE;
	case -ETIMEDOUT:
		return timeout_reason(step);
	case -ECONNRESET:
		return T3OPS_R_RESET;
	case -ENODATA:
		return T3OPS_R_EOF;
	case -EKEYREJECTED:
		return step == T3OPS_STEP_CONNECT ? T3OPS_R_IMPOSTOR : T3OPS_R_TLS;
	case -EKEYEXPIRED:
		return T3OPS_R_CLOCK;
	case -ENOKEY:
		return T3OPS_R_LOCAL;
	default:
		return step == T3OPS_STEP_TLS ? T3OPS_R_TLS : T3OPS_R_PROTOCOL;
	}
}

enum t3ops_reason status_reason(int status)
{
	return status >= 300 && status < 400 ? T3OPS_R_WALLED_OFF : T3OPS_R_HTTP_STATUS;
}
