/* SPDX-License-Identifier: Apache-2.0
 *
 * A client for tests of routes: one connection kept open, replies with their fields and JSON. */
#ifndef TESTS_SUPPORT_HTTP_CLIENT_H
#define TESTS_SUPPORT_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

struct test_client; /* not for several threads at once */

/* base: "http://127.0.0.1:8080". Fails the test when it cannot be made. */
struct test_client *test_client_new(const char *base);
void test_client_free(struct test_client *c); /* accepts NULL */

/* Sent as "Authorization: Bearer ..." from now on; NULL: none. */
void test_client_token(struct test_client *c, const char *token);

/* One part of a multipart body: file when filename is given. */
struct test_part {
    const char *name, *filename, *type; /* name NULL ends */
    const void *bytes;
    size_t n; /* 0: bytes is a string */
};

struct test_ask {
    const char *method, *path; /* path with its query, escaped */
    const char *json;          /* body; NULL: none */
    const struct test_part *part;
    const void *bytes; /* body that is neither; NULL: none */
    size_t n_bytes;
    const char *header[6]; /* "Name: value", NULL-ended */
};

struct test_reply {
    int status;
    char *body; /* terminated */
    size_t n;
    char *fields; /* lines of the head */
    json_t *json; /* NULL when the body is not JSON */
};

/* Fails the test only when no reply comes at all. */
struct test_reply test_call(struct test_client *c, const struct test_ask *ask);
void test_reply_clear(struct test_reply *r);

/* Value of a header field, in a buffer that the next call overwrites; NULL: not there. */
const char *test_field(const struct test_reply *r, const char *name);

/* Short forms: the reply must have this status, else the test fails with the body. The JSON (new
 * reference, NULL for none) is returned. */
json_t *test_get(struct test_client *c, int status, const char *path);
json_t *test_send(struct test_client *c, int status, const char *method, const char *path,
                  const char *json);

#endif
