/* SPDX-License-Identifier: Apache-2.0
 *
 * A real redis-server for tests: one per program, on a free loopback port, in a temporary folder,
 * stopped at exit (also when the program is killed). */
#ifndef TESTS_SUPPORT_REDIS_SERVER_H
#define TESTS_SUPPORT_REDIS_SERVER_H

#include <stddef.h>

#define REDIS_SERVER_PASSWORD "s3cret/pass%"

/* Start, or start again on the same port after a kill.
 * Fails the test when the program cannot be started. */
void redis_server_start(void);
void redis_server_kill(void); /* kill -9; the data of its memory is lost */

/* URL with the password percent-encoded. Written to ret. */
void redis_server_url(char *ret, size_t n);
/* The same with TLS, trusting the certificate "server", its own, or "other", which is not. */
void redis_server_tls_url(const char *authority, char *ret, size_t n);
/* Run a command (NULL-ended words), and return the integer of its answer, or -1. */
long long redis_server_do(const char *const *words);

#endif
