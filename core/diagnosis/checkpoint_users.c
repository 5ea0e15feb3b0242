/* SPDX-License-Identifier: MIT */
/* The tables of users' tunnels and pages; see checkpoint_users.h. */
#include "diagnosis/checkpoint_users.h"

#include <errno.h>

#include "diagnosis/page_evidence.h"
#include "tbl/reason.h"
#include "tbl/room.h"

static const char *return_name(unsigned back)
{
	static const char *const names[] = {"not_back", "by_itself", "navigation"};

	return names[back];
}

static const char *goodbye_name(unsigned goodbye)
{
	static const char *const names[] = {"unknown", "said", "none"};

	return names[goodbye];
}

static const struct field drop_fields[] = {
    NAME(struct drop, user),
    ENUM(struct drop, evidence, page_evidence_label, PAGE_EVIDENCES),
    LABEL(struct drop, reason, reason_label, REASONS),
    NUMBER(struct drop, code),
    NUMBER(struct drop, tunnel),
    TEXT(struct drop, why),
    TEXT(struct drop, address),
    TEXT(struct drop, colo),
    NUMBER(struct drop, seen_us),
    NUMBER(struct drop, began_us),
    NUMBER(struct drop, earliest_us),
    NUMBER(struct drop, received_us),
    NUMBER(struct drop, opened_us),
    NUMBER(struct drop, quiet_us),
    NUMBER(struct drop, tunnels),
    FLAG(struct drop, returned),
    FLAG(struct drop, moved),
    FLAG(struct drop, other_colo),
    NUMBER(struct drop, verdict),
    FLAG(struct drop, supported),
    FLAG(struct drop, explained),
    FIELDS_END,
};

static const struct field live_tunnel_fields[] = {
    NAME(struct live_tunnel, user),
    TEXT(struct live_tunnel, colo),
    NUMBER(struct live_tunnel, client_us),
    NUMBER(struct live_tunnel, serve_us),
    NUMBER(struct live_tunnel, opened_us),
    NUMBER(struct live_tunnel, steady_since_us),
    NUMBER(struct live_tunnel, steady_until_us),
    FIELDS_END,
};

static const struct field facts_fields[] = {
    LABEL(struct page_facts, end, page_end_name, PAGE_END_KINDS),
    NUMBER(struct page_facts, code),
    FLAG(struct page_facts, heartbeat_known),
    NUMBER(struct page_facts, period_us),
    NUMBER(struct page_facts, since_ping_us),
    NUMBER(struct page_facts, waiting_us),
    NUMBER(struct page_facts, late_pings),
    NUMBER(struct page_facts, few_pings),
    NUMBER(struct page_facts, queued_us),
    NUMBER(struct page_facts, since_large_us),
    NUMBER(struct page_facts, age_us),
    FLAG(struct page_facts, carried),
    NUMBER(struct page_facts, idle_us),
    ENUM(struct page_facts, back, return_name, PAGE_BACK_NAVIGATION + 1),
    NUMBER(struct page_facts, back_after_us),
    NUMBER(struct page_facts, away_us),
    FLAG(struct page_facts, attempt_lost),
    NUMBER(struct page_facts, tabs_ended),
    NUMBER(struct page_facts, tabs_cut),
    NUMBER(struct page_facts, tabs_back),
    NUMBER(struct page_facts, others_ended),
    FLAG(struct page_facts, with_leg),
    FLAG(struct page_facts, fault_known),
    FLAG(struct page_facts, no_goodbye),
    NUMBER(struct page_facts, late_beats),
    FIELDS_END,
};

static const struct field page_end_fields[] = {
    PART(struct page_end_row, drop, drop_fields),
    PART(struct page_end_row, facts, facts_fields),
    NUMBER(struct page_end_row, wall_us),
    FLAG(struct page_end_row, navigated),
    FIELDS_END,
};

static const struct field navigation_fields[] = {
    NAME(struct page_navigation, user),
    NUMBER(struct page_navigation, at_us),
    FIELDS_END,
};

static const struct field hurt_fields[] = {
    NAME(struct hurt, user),      TEXT(struct hurt, address), TEXT(struct hurt, colo),
    NUMBER(struct hurt, from_us), NUMBER(struct hurt, to_us), FIELDS_END,
};

static const struct field browser_fields[] = {
    NAME(struct browser, user),
    ENUM(struct browser, goodbye, goodbye_name, GOODBYES),
    FLAG(struct browser, http2),
    FIELDS_END,
};

/* ---- the tables ---------------------------------------------------------------------------------------- */

static size_t drops_count(const struct diagnosis *d)
{
	return d->now.n_drops;
}

static void drop_write(const struct diagnosis *d, size_t row, FILE *out)
{
	fields_write(drop_fields, &d->now.drops[row], out);
}

static int drop_read(struct diagnosis *d, char *line)
{
	struct drop drop = {.user = NULL};
	int r = fields_read(drop_fields, &drop, line, d->topology);

	if (r < 0 || drop.user == NULL)
		return r < 0 ? r : -EINVAL;
	return incident_drop_add(&d->now, &drop) != NULL ? 0 : -ENOMEM;
}

static size_t live_tunnels_count(const struct diagnosis *d)
{
	return d->now.n_live_tunnels;
}

static void live_tunnel_write(const struct diagnosis *d, size_t row, FILE *out)
{
	fields_write(live_tunnel_fields, &d->now.live_tunnels[row], out);
}

static int live_tunnel_read(struct diagnosis *d, char *line)
{
	struct live_tunnel live = {.user = NULL};
	int r = fields_read(live_tunnel_fields, &live, line, d->topology);

	if (r < 0 || live.user == NULL)
		return r < 0 ? r : -EINVAL;
	return incident_live_tunnel(&d->now, &live);
}

static size_t page_ends_count(const struct diagnosis *d)
{
	return d->ends.n;
}

static void page_end_write(const struct diagnosis *d, size_t row, FILE *out)
{
	fields_write(page_end_fields, &d->ends.rows[row], out);
}

/* As it was, while page_ends_add compares a new one with the others. */
static int page_end_read(struct diagnosis *d, char *line)
{
	struct page_end_row row = {.wall_us = 0}, *rows;
	int r = fields_read(page_end_fields, &row, line, d->topology);

	if (r < 0 || row.drop.user == NULL)
		return r < 0 ? r : -EINVAL;
	rows = room_for_one(d->ends.rows, d->ends.n, &d->ends.room, sizeof *rows);
	if (rows == NULL)
		return -ENOMEM;
	d->ends.rows = rows;
	rows[d->ends.n++] = row;
	return 0;
}

static size_t navigations_count(const struct diagnosis *d)
{
	return d->ends.n_navigations;
}

static void navigation_write(const struct diagnosis *d, size_t row, FILE *out)
{
	fields_write(navigation_fields, &d->ends.navigations[row], out);
}

static int navigation_read(struct diagnosis *d, char *line)
{
	struct page_navigation row = {.user = NULL}, *rows;
	int r = fields_read(navigation_fields, &row, line, d->topology);

	if (r < 0 || row.user == NULL)
		return r < 0 ? r : -EINVAL;
	rows = room_for_one(d->ends.navigations, d->ends.n_navigations, &d->ends.room_for_navigations, sizeof *rows);
	if (rows == NULL)
		return -ENOMEM;
	d->ends.navigations = rows;
	rows[d->ends.n_navigations++] = row;
	return 0;
}

static size_t hurts_count(const struct diagnosis *d)
{
	return d->hurts.n;
}

static void hurt_write(const struct diagnosis *d, size_t row, FILE *out)
{
	fields_write(hurt_fields, &d->hurts.rows[row], out);
}

static int hurt_read(struct diagnosis *d, char *line)
{
	struct hurt row = {.user = NULL}, *rows;
	int r = fields_read(hurt_fields, &row, line, d->topology);

	if (r < 0 || row.user == NULL)
		return r < 0 ? r : -EINVAL;
	rows = room_for_one(d->hurts.rows, d->hurts.n, &d->hurts.room, sizeof *rows);
	if (rows == NULL)
		return -ENOMEM;
	d->hurts.rows = rows;
	rows[d->hurts.n++] = row;
	return 0;
}

static size_t browsers_count(const struct diagnosis *d)
{
	return d->browsers.n;
}

static void browser_write(const struct diagnosis *d, size_t row, FILE *out)
{
	fields_write(browser_fields, &d->browsers.rows[row], out);
}

static int browser_read(struct diagnosis *d, char *line)
{
	struct browser row = {.user = NULL};
	int r = fields_read(browser_fields, &row, line, d->topology);

	if (r < 0 || row.user == NULL)
		return r < 0 ? r : -EINVAL;
	return browsers_restore(&d->browsers, &row);
}

const struct checkpoint_table checkpoint_of_users[] = {
    {"drop", drops_count, drop_write, drop_read},
    {"live_tunnel", live_tunnels_count, live_tunnel_write, live_tunnel_read},
    {"page_end", page_ends_count, page_end_write, page_end_read},
    {"navigation", navigations_count, navigation_write, navigation_read},
    {"hurt", hurts_count, hurt_write, hurt_read},
    {"browser", browsers_count, browser_write, browser_read},
    {NULL, NULL, NULL, NULL},
};
