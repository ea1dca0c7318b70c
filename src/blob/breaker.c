/* SPDX-License-Identifier: Apache-2.0
 *
 * The circuit breaker as a driver around another one. What the server answers, be it a refusal,
 * proves that it lives; only DM_EIO counts. Locking: mu holds state, failures, opened. */
#include "blob/breaker.h"

#include <pthread.h>

#include "base/alloc.h"
#include "blob/driver.h"

struct breaker {
    struct blob base;
    struct blob *inner;
    struct blob_breaker_options o;
    void (*changed)(void *ctx, enum blob_circuit state); /* NULL: nobody asks */
    void *changed_ctx;
    pthread_mutex_t mu;
    enum blob_circuit state;
    int failures;
    dm_usec opened;
};

struct breaker_put {
    struct blob_put base;
    struct blob_put *inner;
    struct breaker *breaker;
    bool pending; /* its outcome is not noted yet */
};

static const struct blob_driver driver;

static struct breaker *breaker_of(struct blob *b)
{
    DM_BUG_UNLESS(b->driver == &driver);
    return DM_CONTAINER_OF(b, struct breaker, base);
}

/* Unlock, and tell of a state that is no longer before. */
static void leave(struct breaker *b, enum blob_circuit before)
{
    enum blob_circuit now = b->state;
    (void)pthread_mutex_unlock(&b->mu);
    if (b->changed && now != before) {
        b->changed(b->changed_ctx, now);
    }
}

/* May a call go through? The one that finds the waiting time over is the trial. */
static int gate(struct breaker *b, struct dm_err *e)
{
    (void)pthread_mutex_lock(&b->mu);
    enum blob_circuit before = b->state;
    bool over = b->o.now() - b->opened >= (dm_usec)b->o.open_ms * 1000;
    bool trial = b->state == BLOB_CIRCUIT_OPEN && over;
    bool closed = b->state == BLOB_CIRCUIT_CLOSED;
    if (trial) {
        b->state = BLOB_CIRCUIT_HALF_OPEN;
    }
    leave(b, before);
    if (!closed && !trial) {
        DM_FAIL(e, DM_EAGAIN, "the photo store does not answer; it is tried again soon");
    }
    return DM_OK;
}

/* Returns code. */
static int note(struct breaker *b, int code)
{
    (void)pthread_mutex_lock(&b->mu);
    enum blob_circuit before = b->state;
    if (code == DM_EIO) {
        b->failures++;
        /* Calls that began before it opened and fail late do not prolong it. */
        if (b->state == BLOB_CIRCUIT_HALF_OPEN ||
            (b->state == BLOB_CIRCUIT_CLOSED && b->failures >= b->o.failures)) {
            b->state = BLOB_CIRCUIT_OPEN;
            b->opened = b->o.now();
        }
    } else {
        b->failures = 0;
        b->state = BLOB_CIRCUIT_CLOSED;
    }
    leave(b, before);
    return code;
}

/* A trial that ended without an outcome: the next call is the trial. */
static void note_nothing(struct breaker *b)
{
    (void)pthread_mutex_lock(&b->mu);
    enum blob_circuit before = b->state;
    if (b->state == BLOB_CIRCUIT_HALF_OPEN) {
        b->state = BLOB_CIRCUIT_OPEN;
        b->opened = b->o.now() - (dm_usec)b->o.open_ms * 1000;
    }
    leave(b, before);
}

enum blob_circuit blob_breaker_state(struct blob *b)
{
    struct breaker *br = breaker_of(b);
    (void)pthread_mutex_lock(&br->mu);
    enum blob_circuit state = br->state;
    (void)pthread_mutex_unlock(&br->mu);
    return state;
}

void blob_breaker_watch(struct blob *b, void (*fn)(void *ctx, enum blob_circuit state), void *ctx)
{
    struct breaker *br = breaker_of(b);
    br->changed = fn;
    br->changed_ctx = ctx;
}

int blob_breaker_new(struct blob *take_inner, const struct blob_breaker_options *o,
                     struct blob **ret, struct dm_err *e)
{
    struct breaker *b = dm_calloc(1, sizeof(*b));
    if (!b) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a circuit breaker");
    }
    b->base.driver = &driver;
    b->inner = take_inner;
    b->o = o ? *o : (struct blob_breaker_options){0};
    b->o.failures = b->o.failures ? b->o.failures : 3;
    b->o.open_ms = b->o.open_ms ? b->o.open_ms : 30000;
    b->o.now = b->o.now ? b->o.now : dm_now;
    (void)pthread_mutex_init(&b->mu, NULL);
    *ret = &b->base;
    return DM_OK;
}

static void breaker_close(struct blob *base)
{
    struct breaker *b = breaker_of(base);
    blob_close(b->inner);
    (void)pthread_mutex_destroy(&b->mu);
    dm_free(b);
}

/* ---- writing --------------------------------------------------------------------------------- */

static struct breaker_put *put_of(struct blob_put *p)
{
    return DM_CONTAINER_OF(p, struct breaker_put, base);
}

static int breaker_put_begin(struct blob *base, const char *key, const char *type,
                             struct blob_put **ret, struct dm_err *e)
{
    struct breaker *b = breaker_of(base);
    DM_CLEANUP(dm_freep) struct breaker_put *p = dm_calloc(1, sizeof(*p));
    if (!p) {
        DM_FAIL(e, DM_ENOMEM, "no memory for an upload");
    }
    DM_TRY(gate(b, e));
    int code = blob_put_begin(b->inner, key, type, &p->inner, e);
    if (code < 0) {
        return note(b, code);
    }
    p->breaker = b;
    p->pending = true; /* beginning may have sent nothing */
    *ret = &DM_STEAL(p)->base;
    return DM_OK;
}

static int breaker_put_write(struct blob_put *base, const void *bytes, size_t n, struct dm_err *e)
{
    struct breaker_put *p = put_of(base);
    int code = blob_put_write(p->inner, bytes, n, e);
    if (code == DM_EIO && p->pending) {
        p->pending = false;
        return note(p->breaker, code);
    }
    return code;
}

static void breaker_put_abort(struct blob_put *base)
{
    struct breaker_put *p = put_of(base);
    if (p->pending) {
        note_nothing(p->breaker);
    }
    blob_put_abort(p->inner);
    dm_free(p);
}

static int breaker_put_commit(struct blob_put *base, struct blob_info *info, struct dm_err *e)
{
    struct breaker_put *p = put_of(base);
    int code = blob_put_commit(&p->inner, info, e);
    if (p->pending || code >= 0) {
        (void)note(p->breaker, code);
    }
    dm_free(p);
    return code;
}

/* ---- the rest -------------------------------------------------------------------------------- */

static int breaker_get(struct blob *base, const char *key, struct blob_range r, blob_sink sink,
                       void *ctx, struct dm_err *e)
{
    struct breaker *b = breaker_of(base);
    DM_TRY(gate(b, e));
    return note(b, blob_get(b->inner, key, r, NULL, sink, ctx, e));
}

static int breaker_put_file(struct blob *base, const char *key, const char *type, int fd,
                            struct blob_info *info, struct dm_err *e)
{
    struct breaker *b = breaker_of(base);
    DM_TRY(gate(b, e));
    return note(b, blob_put_file(b->inner, key, type, fd, info->sha256, NULL, e));
}

static int breaker_file(struct blob *base, const char *key, int *ret_fd, struct dm_err *e)
{
    struct breaker *b = breaker_of(base);
    DM_TRY(gate(b, e));
    return note(b, blob_file(b->inner, key, ret_fd, e));
}

static int breaker_stat(struct blob *base, const char *key, struct blob_info *ret, struct dm_err *e)
{
    struct breaker *b = breaker_of(base);
    DM_TRY(gate(b, e));
    return note(b, blob_stat(b->inner, key, ret, e));
}

static int breaker_remove(struct blob *base, const char *key, struct dm_err *e)
{
    struct breaker *b = breaker_of(base);
    DM_TRY(gate(b, e));
    return note(b, blob_delete(b->inner, key, e));
}

static int breaker_list(struct blob *base, const char *prefix, blob_list_fn fn, void *ctx,
                        struct dm_err *e)
{
    struct breaker *b = breaker_of(base);
    DM_TRY(gate(b, e));
    return note(b, blob_list(b->inner, prefix, fn, ctx, e));
}

/* Sends nothing: open or not does not matter. */
static int breaker_presign(struct blob *base, enum blob_method m, const char *key, int seconds,
                           struct dm_buf *ret, struct dm_err *e)
{
    return blob_presign(breaker_of(base)->inner, m, key, seconds, ret, e);
}

static const struct blob_driver driver = {
    .scheme = "breaker",
    .close = breaker_close,
    .put_begin = breaker_put_begin,
    .put_write = breaker_put_write,
    .put_commit = breaker_put_commit,
    .put_abort = breaker_put_abort,
    .put_file = breaker_put_file,
    .file = breaker_file,
    .get = breaker_get,
    .stat = breaker_stat,
    .remove = breaker_remove,
    .list = breaker_list,
    .presign = breaker_presign,
};
