/* SPDX-License-Identifier: Apache-2.0
 *
 * A real S3 server of this program alone (OpenStack Swift, s3_server.py) on a free loopback port,
 * its data in a temporary folder. */
#ifndef TESTS_SUPPORT_S3_SERVER_H
#define TESTS_SUPPORT_S3_SERVER_H

#include <stddef.h>

#define S3_SERVER_ACCESS "test:tester"
#define S3_SERVER_SECRET "testing"

/* Start it unless it runs; after a kill with the data and on the port it had. Fails the test when
 * it is not installed: scripts/deps does it. */
void s3_server_start(void);
/* kill -9. */
void s3_server_kill(void);
int s3_server_port(void);
/* Make a bucket, by a request of its own. */
void s3_server_bucket(const char *bucket);

#endif
