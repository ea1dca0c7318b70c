/* SPDX-License-Identifier: Apache-2.0
 *
 * The ring between processes: order, an end, writers that die. */
#include <sched.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "support/testing.h"
#include "telemetry/ring.h"

static struct telemetry_ring *ring_new(void)
{
    struct telemetry_ring *r = NULL;
    struct dm_err e = {0};
    assert_ok(telemetry_ring_new(&r, &e), &e);
    return r;
}

/* number, then a pattern of it: a torn item would show. */
static bool put(struct telemetry_ring *r, uint32_t who, uint32_t number, size_t n)
{
    uint64_t place;
    unsigned char *room = telemetry_ring_room(r, TELEMETRY_SPAN, &place);
    if (!room) {
        return false;
    }
    memcpy(room, &who, 4);
    memcpy(room + 4, &number, 4);
    memset(room + 8, (int)(number & 0xff), n - 8);
    telemetry_ring_put(r, TELEMETRY_SPAN, place, n);
    return true;
}

static bool get(struct telemetry_ring *r, uint32_t *who, uint32_t *number)
{
    enum telemetry_item kind;
    size_t n;
    const unsigned char *bytes = telemetry_ring_next(r, &kind, &n);
    if (!bytes) {
        return false;
    }
    assert_int_equal(kind, TELEMETRY_SPAN);
    memcpy(who, bytes, 4);
    memcpy(number, bytes + 4, 4);
    for (size_t i = 8; i < n; i++) {
        assert_int_equal(bytes[i], *number & 0xff);
    }
    return true;
}

static void it_has_an_end(void **state)
{
    (void)state;
    struct telemetry_ring *r = ring_new();
    uint32_t who;
    uint32_t number;
    for (int lap = 0; lap < 3; lap++) {
        assert_false(get(r, &who, &number));
        for (uint32_t i = 0; i < LIMIT_TELEMETRY_ITEMS; i++) {
            assert_true(put(r, 1, i, 8 + i % 900));
        }
        assert_false(put(r, 1, 0, 8));
        assert_int_equal(telemetry_ring_dropped(r, TELEMETRY_SPAN), lap + 1);
        for (uint32_t i = 0; i < LIMIT_TELEMETRY_ITEMS; i++) {
            assert_true(get(r, &who, &number) && number == i);
        }
    }
    assert_int_equal(telemetry_ring_dropped(r, TELEMETRY_LOG), 0);
    telemetry_ring_free(r);
}

/* Four processes write at once, each again and again what found no room: everything comes out whole
 * and in the order of its writer. */
static void processes_write_at_once(void **state)
{
    (void)state;
    enum { WRITERS = 4, EACH = 5000 };
    struct telemetry_ring *r = ring_new();
    pid_t pid[WRITERS];
    uint32_t next[WRITERS] = {0};
    uint64_t got = 0;
    for (uint32_t w = 0; w < WRITERS; w++) {
        pid[w] = fork();
        assert_true(pid[w] >= 0);
        if (pid[w] == 0) {
            for (uint32_t i = 0; i < EACH; i++) {
                while (!put(r, w, i, 200)) {
                    (void)sched_yield();
                }
            }
            _exit(0);
        }
    }
    int left = WRITERS;
    uint32_t who;
    uint32_t number;
    bool more = true;
    while (left > 0 || more) {
        more = get(r, &who, &number);
        if (more) {
            assert_true(who < WRITERS && number == next[who]);
            next[who]++;
            got++;
        } else if (left > 0 && waitpid(-1, NULL, WNOHANG) > 0) {
            left--;
            more = true;
        }
    }
    assert_int_equal(got, WRITERS * EACH);
    telemetry_ring_free(r);
}

/* One that dies between taking a place and writing costs its item and a little time. */
static void a_dead_writer_is_left_out(void **state)
{
    (void)state;
    struct telemetry_ring *r = ring_new();
    uint32_t who;
    uint32_t number;
    uint64_t place;
    assert_true(put(r, 1, 1, 20));
    assert_non_null(telemetry_ring_room(r, TELEMETRY_SPAN, &place));
    assert_true(put(r, 1, 2, 20));
    assert_true(get(r, &who, &number) && number == 1);
    const dm_usec start = dm_now();
    while (!get(r, &who, &number)) {
        telemetry_ring_wait(r, 50);
        assert_true(dm_ms_since(start) < 20000);
    }
    assert_int_equal(number, 2);
    telemetry_ring_put(r, TELEMETRY_SPAN, place, 20); /* it was only slow: nothing comes of it */
    assert_false(get(r, &who, &number));
    assert_int_equal(telemetry_ring_dropped(r, TELEMETRY_SPAN), 1);
    telemetry_ring_free(r);
}

static void it_wakes_and_stops(void **state)
{
    (void)state;
    struct telemetry_ring *r = ring_new();
    const dm_usec start = dm_now();
    for (uint32_t i = 0; i < LIMIT_TELEMETRY_BATCH; i++) {
        assert_true(put(r, 1, i, 20));
    }
    telemetry_ring_wait(r, 60000);
    assert_false(telemetry_ring_stopped(r));
    telemetry_ring_stop(r);
    telemetry_ring_wait(r, 60000);
    assert_true(telemetry_ring_stopped(r) && dm_ms_since(start) < 30000);
    telemetry_ring_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_has_an_end),
        cmocka_unit_test(processes_write_at_once),
        cmocka_unit_test(a_dead_writer_is_left_out),
        cmocka_unit_test(it_wakes_and_stops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
