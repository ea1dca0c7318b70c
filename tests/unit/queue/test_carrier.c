/* SPDX-License-Identifier: Apache-2.0
 *
 * Carriers without a worker: addresses, passwords, users, TLS. The server is a real Redis. */
#include "queue/carrier.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "support/redis_server.h"
#include "support/testing.h"

enum { PATIENCE_MS = 20000 };

static void nap(void)
{
    (void)nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
}

static void addresses_of_carriers(void **state)
{
    static const struct {
        const char *url, *password;
        int code; /* of publishing */
    } rows[] = {
        {"sql:", NULL, DM_OK},
        {"", NULL, DM_OK},
        {"redis://127.0.0.1:1", NULL, DM_EIO},
        {"rediss://127.0.0.1:1/2", NULL, DM_EIO},
    };
    struct dm_err e = {0};
    struct queue_carrier *c = NULL;
    char wrong[160];
    char redis_url[128];
    (void)state;
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        assert_ok(queue_carrier_open(rows[i].url, rows[i].password, &c, &e), &e);
        assert_int_equal(queue_carrier_publish(c, "default", "x", NULL, &e), rows[i].code);
        queue_carrier_close(c);
    }
    assert_int_equal(queue_carrier_open("amqp://x", NULL, &c, &e), DM_EBADINPUT);
    assert_int_equal(queue_carrier_open("redis://:secret@h/x", NULL, &c, &e), DM_EBADINPUT);
    assert_null(strstr(e.text, "secret"));
    redis_server_start();
    redis_server_url(redis_url, sizeof(redis_url));
    (void)snprintf(wrong, sizeof(wrong), "redis://127.0.0.1%s", strrchr(redis_url, ':'));
    assert_ok(queue_carrier_open(wrong, REDIS_SERVER_PASSWORD, &c, &e), &e); /* fills it in */
    assert_ok(queue_carrier_publish(c, "default", "x", NULL, &e), &e);
    queue_carrier_close(c);
    assert_ok(queue_carrier_open(wrong, "not it", &c, &e), &e);
    assert_int_equal(queue_carrier_publish(c, "default", "x", NULL, &e), DM_ECONFLICT);
    assert_int_equal(queue_carrier_publish(c, "default", "x", NULL, &e), DM_EAGAIN);
    queue_carrier_close(c);
    (void)redis_server_do(
        (const char *[]){"ACL", "SETUSER", "worker", "on", ">pw", "~demeter:*", "+@all", NULL});
    (void)snprintf(wrong, sizeof(wrong), "redis://worker:pw@127.0.0.1%s", strrchr(redis_url, ':'));
    assert_ok(queue_carrier_open(wrong, NULL, &c, &e), &e);
    assert_ok(queue_carrier_publish(c, "default", "x", NULL, &e), &e);
    queue_carrier_close(c);
}

/* TLS is verified: a server whose certificate nobody we trust has signed is none. */
static void redis_over_tls(void **state)
{
    struct dm_err e = {0};
    struct queue_carrier *c = NULL;
    char url[256];
    (void)state;
    redis_server_start();
    redis_server_tls_url("server", url, sizeof(url));
    assert_ok(queue_carrier_open(url, NULL, &c, &e), &e);
    assert_ok(queue_carrier_publish(c, "default", "x", NULL, &e), &e);
    static const char *const queues[] = {"default"};
    char entry[QUEUE_ENTRY_SIZE];
    assert_ok(queue_carrier_listen(c, queues, 1, "tls", &e), &e);
    int got = 0;
    for (dm_usec begin = dm_now(); !got && dm_ms_since(begin) < PATIENCE_MS; nap()) {
        got = queue_carrier_next(c, entry, &e);
        assert_ok(got, &e);
    }
    assert_int_equal(got, 1);
    queue_carrier_close(c);
    redis_server_tls_url("other", url, sizeof(url));
    assert_ok(queue_carrier_open(url, NULL, &c, &e), &e);
    assert_int_equal(queue_carrier_publish(c, "default", "x", NULL, &e), DM_EIO);
    queue_carrier_close(c);
}
int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_of_carriers),
        cmocka_unit_test(redis_over_tls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
