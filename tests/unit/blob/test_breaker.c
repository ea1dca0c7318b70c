/* SPDX-License-Identifier: Apache-2.0
 *
 * The circuit breaker, around a folder whose mount comes and goes; its clock is the test's. */
#include "blob/breaker.h"

#include <sys/stat.h>
#include <unistd.h>

#include "support/blob_place.h"

static dm_usec now;

static dm_usec test_now(void)
{
    return now;
}

static void unmount(const struct blob_place *p, bool away)
{
    char moved[128];
    (void)snprintf(moved, sizeof(moved), "%s.moved", p->folder);
    assert_int_equal(away ? rename(p->folder, moved) : rename(moved, p->folder), 0);
}

static char told[16]; /* states in order: closed, half open, open */

static void note_change(void *ctx, enum blob_circuit state)
{
    assert_ptr_equal(ctx, told);
    told[strlen(told)] = "CHO"[state];
}

static void opens_tries_and_closes(void **state)
{
    struct blob_place *p = *state;
    struct dm_err e = {0};
    struct blob_info info;
    struct blob_put *put = NULL;
    struct blob_breaker_options o = {.failures = 3, .open_ms = 1000, .now = test_now};
    struct blob *b = NULL;
    now = 5000000;
    assert_ok(blob_breaker_new(p->blob, &o, &b, &e), &e);
    p->blob = b; /* closed by the teardown */
    memset(told, 0, sizeof(told));
    blob_breaker_watch(b, note_change, told);
    assert_ok(blob_put(b, "k", "text/plain", "1", 1, &info, &e), &e);
    assert_int_equal(info.size_bytes, 1);
    for (int i = 0; i < 5; i++) { /* an answer is no failure */
        assert_int_equal(blob_stat(b, "none", &info, &e), DM_ENOTFOUND);
    }
    assert_int_equal(blob_breaker_state(b), BLOB_CIRCUIT_CLOSED);

    unmount(p, true);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(blob_breaker_state(b), BLOB_CIRCUIT_CLOSED);
        assert_int_equal(blob_stat(b, "k", &info, &e), DM_EIO);
    }
    assert_int_equal(blob_breaker_state(b), BLOB_CIRCUIT_OPEN);
    assert_int_equal(blob_stat(b, "k", &info, &e), DM_EAGAIN);
    now += 999999;
    assert_int_equal(blob_delete(b, "k", &e), DM_EAGAIN);
    now += 1;
    assert_int_equal(blob_stat(b, "k", &info, &e), DM_EIO); /* the trial fails */
    assert_int_equal(blob_stat(b, "k", &info, &e), DM_EAGAIN);

    unmount(p, false);
    now += 1000000;
    assert_ok(blob_put_begin(b, "n", "text/plain", &put, &e), &e); /* the trial */
    assert_int_equal(blob_breaker_state(b), BLOB_CIRCUIT_HALF_OPEN);
    assert_int_equal(blob_stat(b, "k", &info, &e), DM_EAGAIN); /* one only */
    assert_string_equal(told, "OHOH");
    blob_put_abort(put); /* without an outcome */
    assert_int_equal(blob_breaker_state(b), BLOB_CIRCUIT_OPEN);
    assert_ok(blob_stat(b, "k", &info, &e), &e);
    assert_int_equal(blob_breaker_state(b), BLOB_CIRCUIT_CLOSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {BLOB_TEST_DIR(opens_tries_and_closes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
