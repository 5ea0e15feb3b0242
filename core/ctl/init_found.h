/* SPDX-License-Identifier: MIT */
/* What `t3opsctl init` finds on this machine.  Reads and asks the kernel; sends nothing, starts nothing. */
#ifndef T3OPS_CTL_INIT_FOUND_H
#define T3OPS_CTL_INIT_FOUND_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether there is a program of that name in the usual directories, below root. */
bool found_program(const char *root, const char *name, char *path, size_t size);
/* The T3_PORT of that account's env file in dir; 0: none. */
uint16_t found_port(const char *dir, const char *os_user);
/* {"OS_USER": PORT, ...}: who has an env file, an enabled unit t3-serve@ or a t3 database here; PORT 0: not known. */
json_t *found_users(const char *root, const char *env_dir);
/* The address by which this machine reaches that one; false: it does not. */
bool found_source(const char *target, char *out, size_t size);
/* Whether that address is one of this machine. */
bool found_is_local(const char *address);
/* Whether that port can be bound on that address. */
bool found_is_free(const char *address, uint16_t port);
/* The first nameserver of resolv.conf; "" without one. */
void found_resolver(const char *root, char *out, size_t size);
bool found_account(const char *name);
/* The text of that option outside sections in a configuration that is there; "" without one, or if it is a list. */
void found_option(const char *conf, const char *name, char *out, size_t size);

#endif
