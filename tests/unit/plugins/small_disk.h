/* SPDX-License-Identifier: MIT */
/* A small file system of our own on a directory, in namespaces of this process. */
#ifndef TESTS_PLUGINS_SMALL_DISK_H
#define TESTS_PLUGINS_SMALL_DISK_H

#include <stdbool.h>

/* Whether this machine and this account allow it. */
bool small_disk_can(const char *dir);
/* For a child only; in the rest of the machine nothing changes. */
bool small_disk_mount(const char *dir, long bytes, bool read_only);
/* Starts a child that fills it as soon as that file of it has begun to grow. */
void small_disk_fill(const char *dir, const char *file);

#endif
