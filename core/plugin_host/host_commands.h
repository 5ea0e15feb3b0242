/* SPDX-License-Identifier: MIT */
/* The service command: a command section's program, run by the helper. */
#ifndef T3OPS_PLUGIN_HOST_HOST_COMMANDS_H
#define T3OPS_PLUGIN_HOST_HOST_COMMANDS_H

#include "ipc/message.h"
#include "plugin_host/instance.h"

void host_commands_fill(struct t3ops_host *services);
/* The helper's answer, or that it cannot be reached; false: nobody here waits for it. */
bool host_commands_message(struct plugin_host *h, const struct msg_head *head, const void *payload);
/* Forgets every command of the instance; their programs run on, their answers are dropped. */
void host_commands_release(struct t3ops_instance *i);

#endif
