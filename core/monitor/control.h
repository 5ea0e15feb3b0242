/* SPDX-License-Identifier: MIT */
/*
 * The control socket: one JSON object a line, request and answer, for t3opsctl.
 *
 *   {"command":"status"|"legs"|"metrics"|"reload"}      {"command":"run","job"|"plugin":NAME,"user":""}
 *   {"command":"log-level","level":"","process":""}
 *   {"command":"verdicts","standing":bool,"limit":n,"follow":bool}
 *   {"command":"events","kind":"","limit":n,"since":us,"follow":bool}
 *   -> {"ok":true,"result":...} or {"ok":false,"error":"..."}; following: {"verdict":{...}} or
 *   {"event":{...}} a line
 *
 * Who may connect is decided by the socket file's mode (0660).  Monitor process.
 */
#ifndef T3OPS_MONITOR_CONTROL_H
#define T3OPS_MONITOR_CONTROL_H

#include "monitor/monitor_state.h"

/* Accepts on fd, which stays the caller's.  NULL without memory. */
struct control *control_new(struct monitor *d, int fd);
/* Who still waits is told that nobody will answer. */
void control_free(struct control *ctl);
/* An answer of the supervisor (MSG_RELOADED, MSG_LOG_LEVELS), of jobs (MSG_JOB_DONE), or MSG_UNREACHABLE. */
void control_message(struct control *ctl, const struct msg_head *head, const void *payload);
/* A new verdict, an event: for those who follow. */
void control_verdict(struct control *ctl, const json_t *verdict);
void control_event(struct control *ctl, const struct event *e);

#endif
