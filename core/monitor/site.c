/* SPDX-License-Identifier: MIT */
/* Requests for the page; see site.h. */
#include "monitor/site.h"

#include <stdlib.h>
#include <string.h>

#include "monitor/http_answer.h"
#include "monitor/query.h"
#include "monitor/site_assets.h"
#include "monitor/site_data.h"
#include "monitor/site_page.h"

struct visit {
	struct local_conn *conn;
	bool with_body;
};

static void on_data(void *arg, const struct site_data *data, bool gone)
{
	struct visit visit = *(struct visit *)arg;
	struct http_answer a = {.status = 200, .type = "text/html; charset=utf-8"};

	free(arg);
	if (gone)
		return;
	local_hold(visit.conn, false);
	if (data != NULL)
		a.body = site_page(data, &a.len);
	else
		http_answer_text(&a, 503,
		                 "The journal cannot be read: the line journal_failed of the log says why.\n");
	http_answer_send(visit.conn, &a, visit.with_body);
}

static void page_answer(struct monitor *d, struct local_conn *c, const char *query, bool with_body)
{
	struct visit *visit = malloc(sizeof *visit);
	char range[16];
	struct site_ask ask = {.range = range,
	                       .chosen = query_number(query, "verdict", 0),
	                       .owner = c,
	                       .on_data = on_data,
	                       .arg = visit};
	struct http_answer a = {.body = NULL, .type = "text/plain"};

	if (visit == NULL) {
		http_answer_send(c, &a, false);
		return;
	}
	*visit = (struct visit){c, with_body};
	query_text(query, "range", range, sizeof range);
	local_hold(c, true);
	site_data_gather(d, &ask);
}

static void asset_answer(struct local_conn *c, const struct site_asset *asset, bool with_body)
{
	struct http_answer a = {
	    .status = 200, .type = asset->type, .body = strdup(asset->text), .len = strlen(asset->text)};

	http_answer_send(c, &a, with_body);
}

static void live_answer(struct monitor *d, struct local_conn *c)
{
	struct http_answer a;

	if (site_live_add(&d->live, c))
		return;
	http_answer_text(&a, 503, "Too many pages are open.\n");
	http_answer_send(c, &a, true);
}

bool site_answer(struct monitor *d, struct local_conn *c, const char *path, const char *query, bool with_body)
{
	const struct site_asset *asset = site_asset_find(path);

	if (strcmp(path, "/") == 0)
		page_answer(d, c, query, with_body);
	else if (strcmp(path, "/live") == 0)
		live_answer(d, c);
	else if (asset != NULL)
		asset_answer(c, asset, with_body);
	else
		return false;
	return true;
}
