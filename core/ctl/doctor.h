/* SPDX-License-Identifier: MIT */
/*
 * t3opsctl doctor: checks a whole installation, from its configuration to the sign-in as the internet sees it, and
 * says of each thing that is wrong what to do.  Changes nothing.
 */
#ifndef T3OPS_CTL_DOCTOR_H
#define T3OPS_CTL_DOCTOR_H

/* The words behind "doctor".  What the program returns: see t3opsctl(8). */
int doctor_run(int argc, char **argv);

#endif
