/* SPDX-License-Identifier: Apache-2.0
 *
 * The store: its URL, and the pool of connections. Transactions are in tx.c.
 *
 * Locking: everything below mu in struct store - mu; target and driver - read-only after open. A
 * connection outside the idle list belongs to the thread that took it. */
#include "store/driver.h"

#include <ctype.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "store/pool.h"

/* ---- URL ------------------------------------------------------------------------------------- */

static const struct {
    const char *scheme;
    const struct store_driver *driver;
} schemes[] = {
    {"sqlite", &store_driver_sqlite},
    {"postgresql", &store_driver_postgresql},
    {"postgres", &store_driver_postgresql},
};

/* Driver of the URL's scheme and what follows its colon; NULL for another scheme. */
static const struct store_driver *driver_of_url(const char *url, const char **ret_rest)
{
    const char *colon = strchr(url, ':');
    size_t n = colon ? (size_t)(colon - url) : 0;
    const char *plus = memchr(url, '+', n);
    n = plus ? (size_t)(plus - url) : n;
    for (size_t i = 0; i < DM_COUNT(schemes); i++) {
        if (strlen(schemes[i].scheme) == n && !strncasecmp(url, schemes[i].scheme, n)) {
            *ret_rest = colon + 1;
            return schemes[i].driver;
        }
    }
    return NULL;
}

static void default_to(int *value, int fallback)
{
    *value = *value ? *value : fallback;
}

static void target_clear(struct store_target *t)
{
    dm_free(t->url);
    dm_free(t->path);
}

/* t->url is everything after "scheme[+driver]:". */
static int understand(const char *url, const struct store_options *o,
                      const struct store_driver **ret_driver, struct store_target *t,
                      struct dm_err *e)
{
    const char *rest = NULL;
    const struct store_driver *d = driver_of_url(url, &rest);
    if (!d) {
        DM_FAIL(e, DM_EBADINPUT, "the address of a database begins with sqlite: or postgresql://");
    }
    *t = (struct store_target){.url = dm_strdup(rest), .o = o ? *o : (struct store_options){0}};
    if (!t->url) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the address of the database");
    }
    default_to(&t->o.pool_size, 30);
    default_to(&t->o.pool_overflow, 20);
    default_to(&t->o.connect_ms, 60000);
    default_to(&t->o.wait_ms, 5000);
    default_to(&t->o.statement_ms, 30000);
    t->o.pool_size = DM_CLAMP(t->o.pool_size, 1, LIMIT_STORE_POOL);
    t->o.pool_overflow = DM_CLAMP(t->o.pool_overflow, 0, LIMIT_STORE_POOL);
    *ret_driver = d;
    return d->understand(t, e);
}

int store_url_check(const char *url, struct dm_err *e)
{
    struct store_target t = {0};
    const struct store_driver *d;
    int code = understand(url, NULL, &d, &t, e);
    target_clear(&t);
    return code;
}

const char *store_url_redact(const char *url, struct dm_arena *a)
{
    char *copy = dm_arena_strdup(a, url);
    char *slashes = copy ? strstr(copy, "://") : NULL;
    if (!slashes) {
        return copy;
    }
    /* A password may stand before the last @ of the authority, or be called so in the query. */
    char *authority = slashes + 3;
    char *query = strchr(authority, '?');
    size_t n = query ? (size_t)(query - authority) : strlen(authority);
    char *at = memrchr(authority, '@', n);
    char *colon = at ? memchr(authority, ':', (size_t)(at - authority)) : NULL;
    const char *user_end = colon ? colon : at;
    bool secret_query = query && strcasestr(query, "password");
    if (!colon && !secret_query) {
        return copy;
    }
    return dm_arena_printf(a, "%.*s%s%.*s%s", at ? (int)(user_end - copy) : (int)(authority - copy),
                           copy, colon ? ":***" : "", (int)(authority + n - (at ? at : authority)),
                           at ? at : authority,
                           secret_query ? "?***"
                           : query      ? query
                                        : "");
}

/* ---- pool ------------------------------------------------------------------------------------ */

/* A lane is a kind of connection: an engine with one writer keeps it apart from the readers. */
struct lane {
    struct store_conn *idle;
    int keep, max;
    int open; /* idle and in use, and those being opened */
    int used;
    pthread_cond_t freed;
};

/* Rounds of asking: a round that begins serves all who came before it. Locking: all - mu. */
struct state {
    pthread_mutex_t mu;
    pthread_cond_t done;
    bool asking;
    uint64_t begun, ended; /* rounds */
    char text[STORE_STATE_SIZE];
};

struct store {
    const struct store_driver *driver;
    struct store_target target;
    pthread_mutex_t mu;
    struct lane lane[2]; /* by enum store_mode; only the first without own_writer */
    struct state state;
    uint64_t losses;
};

const struct store_driver *store_driver_of(const struct store *s)
{
    return s->driver;
}

const struct store_target *store_target_of(const struct store *s)
{
    return &s->target;
}

const char *store_engine(const struct store *s)
{
    return s->driver->name;
}

void store_note_loss(struct store *s)
{
    (void)pthread_mutex_lock(&s->mu);
    s->losses++;
    (void)pthread_mutex_unlock(&s->mu);
}

uint64_t store_losses(struct store *s)
{
    (void)pthread_mutex_lock(&s->mu);
    uint64_t n = s->losses;
    (void)pthread_mutex_unlock(&s->mu);
    return n;
}

static struct lane *lane_of(struct store *s, enum store_mode mode)
{
    return &s->lane[s->driver->own_writer ? mode : STORE_READ];
}

static struct timespec deadline_after(int ms)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    int64_t ns = t.tv_nsec + (int64_t)(ms % 1000) * 1000000;
    return (struct timespec){.tv_sec = t.tv_sec + ms / 1000 + ns / 1000000000,
                             .tv_nsec = ns % 1000000000};
}

/* A place in the lane: *ret is an idle connection, or NULL when the caller is to open one. */
static int take_place(struct store *s, struct lane *l, struct store_conn **ret, struct dm_err *e)
{
    struct timespec deadline = deadline_after(s->target.o.wait_ms);
    int waited = 0;
    (void)pthread_mutex_lock(&s->mu);
    while (!l->idle && l->open >= l->max && waited != ETIMEDOUT) {
        waited = pthread_cond_timedwait(&l->freed, &s->mu, &deadline);
    }
    bool got = l->idle || l->open < l->max;
    if (got) {
        *ret = l->idle;
        l->idle = *ret ? (*ret)->next : NULL;
        l->open += *ret == NULL;
        l->used++;
    }
    (void)pthread_mutex_unlock(&s->mu);
    if (!got) {
        DM_FAIL(e, DM_EBUSY, "all %d connections to the database are in use", l->max);
    }
    return DM_OK;
}

/* Give a place back: with the connection, or without one when it is gone. */
static void give_place(struct store *s, struct lane *l, struct store_conn *c)
{
    struct store_conn *surplus = NULL;
    (void)pthread_mutex_lock(&s->mu);
    l->used--;
    if (c && l->open <= l->keep) {
        c->next = l->idle;
        l->idle = c;
    } else {
        surplus = c;
        l->open--;
    }
    (void)pthread_cond_signal(&l->freed);
    (void)pthread_mutex_unlock(&s->mu);
    store_conn_close(surplus);
}

/* Fill a place that was taken; on failure it is given back. */
static int connect_in_place(struct store *s, enum store_mode mode, struct store_conn **ret,
                            struct dm_err *e)
{
    struct store_conn *c = NULL;
    int code = s->driver->connect(&s->target, mode, &c, e);
    if (code < 0) {
        if (code == DM_EIO) {
            store_note_loss(s);
        }
        give_place(s, lane_of(s, mode), NULL);
        return code;
    }
    *ret = c;
    return DM_OK;
}

int store_pool_take(struct store *s, enum store_mode mode, struct store_conn **ret,
                    struct dm_err *e)
{
    struct lane *l = lane_of(s, mode);
    struct store_conn *c = NULL;
    DM_TRY(take_place(s, l, &c, e));
    if (!c) {
        DM_TRY(connect_in_place(s, mode, &c, e));
    }
    *ret = c;
    return DM_OK;
}

int store_pool_renew(struct store *s, enum store_mode mode, struct store_conn **c, struct dm_err *e)
{
    store_conn_close(DM_STEAL(*c));
    return connect_in_place(s, mode, c, e);
}

void store_pool_give(struct store *s, enum store_mode mode, struct store_conn *c, bool usable)
{
    if (!usable) {
        store_conn_close(DM_STEAL(c));
    }
    give_place(s, lane_of(s, mode), c);
}

void store_conn_close(struct store_conn *c)
{
    if (!c) {
        return;
    }
    for (size_t i = 0; i < STORE_BUILT_SLOTS; i++) {
        if (c->built[i]) {
            char *sql = c->built[i]->sql;
            c->driver->unprepare(c, c->built[i]);
            dm_free(sql);
        }
    }
    for (size_t i = 0; c->cache && i < STORE_CACHE_SLOTS; i++) {
        if (c->cache[i]) {
            c->driver->unprepare(c, c->cache[i]);
        }
    }
    dm_free(c->cache);
    c->driver->disconnect(c);
}

struct store_pool_state store_pool_state(struct store *s)
{
    struct store_pool_state p = {0};
    (void)pthread_mutex_lock(&s->mu);
    for (size_t i = 0; i < DM_COUNT(s->lane); i++) {
        p.used += s->lane[i].used;
        p.open += s->lane[i].open;
        p.max += s->lane[i].max;
    }
    (void)pthread_mutex_unlock(&s->mu);
    return p;
}

/* ---- what is known --------------------------------------------------------------------------- */

/* A connection that died in the pool says so here; the next transaction replaces it. */
static void ask_state(struct store *s, char ret[static STORE_STATE_SIZE])
{
    struct store_conn *c = NULL;
    if (store_pool_take(s, STORE_READ, &c, NULL) < 0) {
        return;
    }
    if (store_conn_text(c, s->driver->state, ret, STORE_STATE_SIZE, NULL) < 0) {
        ret[0] = '\0';
    }
    store_pool_give(s, STORE_READ, c, s->driver->alive(c));
}

void store_state(struct store *s, char ret[static STORE_STATE_SIZE])
{
    struct state *st = &s->state;
    ret[0] = '\0';
    if (!s->driver->state) {
        return;
    }
    (void)pthread_mutex_lock(&st->mu);
    const uint64_t mine = st->begun + 1; /* one that runs already may have seen less */
    while (st->ended < mine) {
        if (st->asking) {
            (void)pthread_cond_wait(&st->done, &st->mu);
            continue;
        }
        char text[STORE_STATE_SIZE] = "";
        st->asking = true;
        const uint64_t round = ++st->begun;
        (void)pthread_mutex_unlock(&st->mu);
        ask_state(s, text);
        (void)pthread_mutex_lock(&st->mu);
        memcpy(st->text, text, sizeof(text));
        st->ended = round;
        st->asking = false;
        (void)pthread_cond_broadcast(&st->done);
    }
    memcpy(ret, st->text, STORE_STATE_SIZE);
    (void)pthread_mutex_unlock(&st->mu);
}

/* ---- open and close -------------------------------------------------------------------------- */

static void init_lanes(struct store *s)
{
    pthread_condattr_t monotonic;
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&s->mu, NULL);
    for (size_t i = 0; i < DM_COUNT(s->lane); i++) {
        (void)pthread_cond_init(&s->lane[i].freed, &monotonic);
    }
    (void)pthread_condattr_destroy(&monotonic);
    (void)pthread_mutex_init(&s->state.mu, NULL);
    (void)pthread_cond_init(&s->state.done, NULL);
    const struct store_options *o = &s->target.o;
    s->lane[STORE_READ].keep = o->pool_size;
    s->lane[STORE_READ].max = o->pool_size + o->pool_overflow;
    s->lane[STORE_WRITE].keep = s->lane[STORE_WRITE].max = s->driver->own_writer ? 1 : 0;
}

/* The first connection, patiently: a server may start beside us. A file is as it is. */
static int first_connection(struct store *s, struct dm_err *e)
{
    const enum store_mode mode = STORE_WRITE;
    const dm_usec start = dm_now();
    int pause_ms = 50;
    for (;;) {
        struct store_conn *c = NULL;
        int code = store_pool_take(s, mode, &c, e);
        if (code >= 0) {
            store_pool_give(s, mode, c, true);
            return code;
        }
        if (s->target.path || !dm_code_info(code)->retry ||
            dm_ms_since(start) + pause_ms > s->target.o.connect_ms) {
            return code;
        }
        store_pause(pause_ms);
        pause_ms = DM_MIN(pause_ms * 2, 1000);
    }
}

int store_open(const char *url, const struct store_options *o, struct store **ret, struct dm_err *e)
{
    struct store *s = dm_calloc(1, sizeof(*s));
    if (!s) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a database");
    }
    int code = understand(url, o, &s->driver, &s->target, e);
    if (code < 0) {
        target_clear(&s->target);
        dm_free(s);
        return code;
    }
    init_lanes(s);
    code = first_connection(s, e);
    if (code < 0) {
        store_close(s);
        return code;
    }
    *ret = s;
    return DM_OK;
}

void store_close(struct store *s)
{
    if (!s) {
        return;
    }
    for (size_t i = 0; i < DM_COUNT(s->lane); i++) {
        DM_BUG_UNLESS(s->lane[i].used == 0);
        for (struct store_conn *c = s->lane[i].idle; c;) {
            struct store_conn *next = c->next;
            store_conn_close(c);
            c = next;
        }
        (void)pthread_cond_destroy(&s->lane[i].freed);
    }
    (void)pthread_mutex_destroy(&s->mu);
    (void)pthread_mutex_destroy(&s->state.mu);
    (void)pthread_cond_destroy(&s->state.done);
    target_clear(&s->target);
    dm_free(s);
}
