/* SPDX-License-Identifier: Apache-2.0
 *
 * Bytes to a server and what comes back, for requests that no client library would send. */
#ifndef TESTS_SUPPORT_RAW_HTTP_H
#define TESTS_SUPPORT_RAW_HTTP_H

#include <stddef.h>

/* A connection to 127.0.0.1. Fails the test when there is none. */
int raw_connect(int port);

/* Everything; a server that hangs up meanwhile is fine. */
void raw_send(int fd, const void *bytes, size_t n);

/* Up to size-1 bytes until the server closes, falls silent for quiet_ms, or ret is full;
 * terminated. Returns how many. *ret_closed: the server closed. */
size_t raw_read(int fd, int quiet_ms, char *ret, size_t size, int *ret_closed);

/* Status of the first answer in text, 0 for none. */
int raw_status(const char *text);

#endif
