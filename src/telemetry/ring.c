/* SPDX-License-Identifier: Apache-2.0
 *
 * A bounded queue of many writers and one reader after D. Vyukov: each place has a turn that says
 * whose it is. Lap k of a place: 2k free, 2k + 1 written, 2k + 2 read, that is free in the next
 * lap; zeroed memory is an empty ring. */
#include "telemetry/ring.h"

#include <poll.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"

enum { DEAD_WRITER_MS = 2000 };

struct place {
    _Atomic uint64_t turn;
    uint32_t n, kind;
    unsigned char bytes[LIMIT_TELEMETRY_ITEM_BYTES];
};

struct ring {
    _Atomic uint64_t head; /* places given out */
    _Atomic uint64_t tail; /* places read */
    _Atomic uint64_t dropped[TELEMETRY_ITEM_MAX_];
    _Atomic bool stopped;
    struct place place[LIMIT_TELEMETRY_ITEMS];
};

struct telemetry_ring {
    struct ring *shared;
    int wake;
    /* the reader's */
    uint64_t stuck; /* place whose writer has not come, from 1 */
    dm_usec since;
};

int telemetry_ring_new(struct telemetry_ring **ret, struct dm_err *e)
{
    struct telemetry_ring *r = dm_calloc(1, sizeof(*r));
    if (!r) {
        DM_FAIL(e, DM_ENOMEM, "no memory for traces");
    }
    r->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    r->shared = mmap(NULL, sizeof(*r->shared), PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (r->wake < 0 || r->shared == MAP_FAILED) {
        r->shared = r->shared == MAP_FAILED ? NULL : r->shared;
        telemetry_ring_free(r);
        DM_FAIL(e, DM_ENOMEM, "no shared memory for traces");
    }
    *ret = r;
    return DM_OK;
}

void telemetry_ring_free(struct telemetry_ring *r)
{
    if (!r) {
        return;
    }
    if (r->shared) {
        (void)munmap(r->shared, sizeof(*r->shared));
    }
    if (r->wake >= 0) {
        (void)close(r->wake);
    }
    dm_free(r);
}

static struct place *place_of(struct ring *s, uint64_t at)
{
    return &s->place[at % LIMIT_TELEMETRY_ITEMS];
}

static uint64_t free_turn(uint64_t at)
{
    return at / LIMIT_TELEMETRY_ITEMS * 2;
}

unsigned char *telemetry_ring_room(struct telemetry_ring *r, enum telemetry_item kind,
                                   uint64_t *ret_place)
{
    struct ring *s = r->shared;
    uint64_t at = atomic_load(&s->head);
    for (;;) {
        const uint64_t turn = atomic_load(&place_of(s, at)->turn);
        if (turn < free_turn(at)) {
            telemetry_ring_drop(r, kind, 1);
            return NULL;
        }
        if (turn == free_turn(at) && atomic_compare_exchange_weak(&s->head, &at, at + 1)) {
            *ret_place = at;
            return place_of(s, at)->bytes;
        }
        if (turn != free_turn(at)) {
            at = atomic_load(&s->head);
        }
    }
}

void telemetry_ring_put(struct telemetry_ring *r, enum telemetry_item kind, uint64_t place,
                        size_t n)
{
    struct ring *s = r->shared;
    struct place *p = place_of(s, place);
    uint64_t mine = free_turn(place);
    p->n = (uint32_t)n;
    p->kind = (uint32_t)kind;
    /* A reader that took us for dead has moved it on. */
    (void)atomic_compare_exchange_strong(&p->turn, &mine, mine + 1);
    if (place + 1 - atomic_load(&s->tail) == LIMIT_TELEMETRY_BATCH) {
        telemetry_ring_wake(r);
    }
}

/* The writer at the tail has not written yet: waited for, then left out. */
static bool give_up(struct telemetry_ring *r, uint64_t at)
{
    if (r->stuck != at + 1) {
        r->stuck = at + 1;
        r->since = dm_now();
    }
    uint64_t turn = free_turn(at);
    return dm_ms_since(r->since) > DEAD_WRITER_MS &&
           atomic_compare_exchange_strong(&place_of(r->shared, at)->turn, &turn, turn + 2);
}

const unsigned char *telemetry_ring_next(struct telemetry_ring *r, enum telemetry_item *ret_kind,
                                         size_t *ret_n)
{
    static _Thread_local unsigned char copy[LIMIT_TELEMETRY_ITEM_BYTES];
    struct ring *s = r->shared;
    for (;;) {
        const uint64_t at = atomic_load(&s->tail);
        struct place *p = place_of(s, at);
        if (at == atomic_load(&s->head)) {
            return NULL;
        }
        if (atomic_load(&p->turn) != free_turn(at) + 1) {
            if (!give_up(r, at)) {
                return NULL;
            }
            telemetry_ring_drop(r, TELEMETRY_SPAN, 1);
            atomic_store(&s->tail, at + 1);
            continue;
        }
        const size_t n = DM_MIN((size_t)p->n, sizeof(copy));
        *ret_kind = p->kind;
        *ret_n = n;
        memcpy(copy, p->bytes, n);
        atomic_store(&p->turn, free_turn(at) + 2);
        atomic_store(&s->tail, at + 1);
        if (n > 0) {
            return copy;
        }
    }
}

void telemetry_ring_wait(struct telemetry_ring *r, int ms)
{
    struct pollfd p = {.fd = r->wake, .events = POLLIN};
    uint64_t count;
    if (!telemetry_ring_stopped(r) && poll(&p, 1, ms) > 0 &&
        read(r->wake, &count, sizeof(count)) < 0) {
        return; /* another reader was faster: there is none */
    }
}

void telemetry_ring_wake(struct telemetry_ring *r)
{
    const uint64_t one = 1;
    if (write(r->wake, &one, sizeof(one)) < 0) {
        return; /* it is awake */
    }
}

void telemetry_ring_stop(struct telemetry_ring *r)
{
    atomic_store(&r->shared->stopped, true);
    telemetry_ring_wake(r);
}

bool telemetry_ring_stopped(const struct telemetry_ring *r)
{
    return atomic_load(&r->shared->stopped);
}

uint64_t telemetry_ring_dropped(const struct telemetry_ring *r, enum telemetry_item kind)
{
    return atomic_load(&r->shared->dropped[kind]);
}

void telemetry_ring_drop(struct telemetry_ring *r, enum telemetry_item kind, uint64_t n)
{
    atomic_fetch_add(&r->shared->dropped[kind], n);
}
