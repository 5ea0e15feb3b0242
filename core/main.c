/* SPDX-License-Identifier: MIT */
/* The command line of the daemon. */
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		puts(PACKAGE_STRING);
		return 0;
	}
	fprintf(stderr, "usage: t3ops --version\n");
	return 2;
}
