/* SPDX-License-Identifier: MIT */
/* Cloudflare's own answers, by its documentation of 5xx and 1xxx errors; see edge_answer.h. */
#include "probe_http/edge_answer.h"

#include <ctype.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Of one status, those with a number first. */
static const struct edge_answer answers[] = {
    {530, 1033, false, "no cloudflared of the tunnel is connected to the edge"},
    {530, 1016, false, "the edge finds no address of the origin"},
    {530, 0, false, "the edge cannot reach the origin"},
    {520, 0, false, "the origin's answer to the edge was empty or broken"},
    {521, 0, false, "the origin refused the edge's connection"},
    {522, 0, false, "the origin did not take the edge's connection in time"},
    {523, 0, false, "the edge has no route to the origin"},
    {524, 0, false, "the origin did not answer the edge in time"},
    {525, 0, false, "the TLS handshake between edge and origin failed"},
    {526, 0, false, "the edge does not accept the origin's certificate"},
    {500, 1101, true, "a worker at the edge failed"},
    {429, 1027, true, "the daily limit of workers at the edge is reached"},
    {503, 1102, true, "a worker at the edge used up its CPU time"},
    {429, 1015, true, "the edge limits the rate of this address"},
    {403, 1020, true, "a rule at the edge refuses this request"},
    {403, 1010, true, "the edge refuses this client"},
};

/* The number behind "error code:", or in "Error 1033"; 0: there is none. */
static int error_number(const char *body)
{
	static const char *const before[] = {"error code:", "error "};

	for (size_t i = 0; i < sizeof before / sizeof before[0]; i++)
		for (const char *at = body; (at = strcasestr(at, before[i])) != NULL;) {
			at += strlen(before[i]);
			while (*at == ' ')
				at++;
			if (isdigit((unsigned char)*at))
				return (int)strtol(at, NULL, 10);
		}
	return 0;
}

const struct edge_answer *edge_answer_find(int status, const char *server, const char *body)
{
	int number;

	if (server == NULL || strcasecmp(server, "cloudflare") != 0)
		return NULL;
	number = error_number(body);
	for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++)
		if (answers[i].status == status && (answers[i].error == 0 || answers[i].error == number))
			return &answers[i];
	return NULL;
}
