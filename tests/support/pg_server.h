/* SPDX-License-Identifier: Apache-2.0
 *
 * A PostgreSQL server of this program alone, on a free loopback port, in a temporary folder. */
#ifndef TESTS_SUPPORT_PG_SERVER_H
#define TESTS_SUPPORT_PG_SERVER_H

#include <stddef.h>

/* Start it unless it runs; after pg_server_kill with the data it had. Fails the test when the
 * server is not installed: scripts/deps installs it. */
void pg_server_start(void);

/* "name=value" for the server that is started next, over what tests usually get. Borrowed. */
void pg_server_setting(const char *setting);

/* kill -9 of the server and all its processes. */
void pg_server_kill(void);

/* URL of a database of the server. */
void pg_server_url(const char *database, char *ret, size_t n);

#endif
