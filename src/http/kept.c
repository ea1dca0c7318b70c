/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers that are given again while what they were made of has not changed (HTTP_KEPT). The app
 * says what they depend on (http_app.state); here lie the bytes as they were sent, shared by the
 * responses that still send them. A table of places by hash: a new answer takes the place of
 * whatever is there. */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "http/limits.h"
#include "http/server_priv.h"

enum { KEPT_HEADERS = 4 };

struct kept {
    _Atomic unsigned refs; /* the table, and responses on their way */
    dm_usec made;
    bool packed;
    size_t n, n_header;
    char *key;
    struct {
        const char *name; /* a constant */
        char *value;
    } header[KEPT_HEADERS];
    char bytes[];
};

/* Locking: all - mu. */
struct http_kept_answers {
    pthread_mutex_t mu;
    size_t bytes;
    struct kept *place[LIMIT_HTTP_KEPT];
};

static void kept_unref(void *cls)
{
    struct kept *k = cls;
    if (k == NULL || atomic_fetch_sub(&k->refs, 1) > 1) {
        return;
    }
    for (size_t i = 0; i < k->n_header; i++) {
        dm_free(k->header[i].value);
    }
    dm_free(k->key);
    dm_free(k);
}

int http_kept_new(struct http_kept_answers **ret, struct dm_err *e)
{
    struct http_kept_answers *a = dm_calloc(1, sizeof(*a));
    if (a == NULL) {
        DM_FAIL(e, DM_ENOMEM, "not enough memory for the server");
    }
    pthread_mutex_init(&a->mu, NULL);
    *ret = a;
    return DM_OK;
}

void http_kept_free(struct http_kept_answers *a)
{
    for (size_t i = 0; a != NULL && i < LIMIT_HTTP_KEPT; i++) {
        kept_unref(a->place[i]);
    }
    if (a != NULL) {
        pthread_mutex_destroy(&a->mu);
        dm_free(a);
    }
}

/* FNV-1a of the address, the encoding and who asks: what stands before the first blank. */
static size_t place_of(const char *key)
{
    uint32_t h = 2166136261U;
    for (const char *p = key; *p != '\0' && *p != ' '; p++) {
        h = (h ^ (unsigned char)*p) * 16777619U;
    }
    return (h ^ h >> 16) & (LIMIT_HTTP_KEPT - 1);
}

static int reply_again(struct http_state *st, struct kept *k, struct dm_err *e)
{
    const char *tag = NULL;
    for (size_t i = 0; i < k->n_header; i++) {
        if (strcmp(k->header[i].name, "ETag") == 0) {
            tag = k->header[i].value;
        }
        DM_TRY(http_reply_header(&st->r, k->header[i].name, k->header[i].value, e));
    }
    if (tag != NULL && http_tag_listed(http_header(&st->r, "If-None-Match"), tag)) {
        return http_reply_empty(&st->r, 304, e);
    }
    st->response =
        MHD_create_response_from_buffer_with_free_callback_cls(k->n, k->bytes, kept_unref, k);
    if (st->response == NULL) {
        DM_FAIL(e, DM_ENOMEM, "not enough memory for a reply");
    }
    atomic_fetch_add(&k->refs, 1);
    st->status = 200;
    const bool good =
        MHD_add_response_header(st->response, "Content-Type", "application/json") == MHD_YES &&
        MHD_add_response_header(st->response, "Vary", "Accept-Encoding, Origin") == MHD_YES &&
        (!k->packed ||
         MHD_add_response_header(st->response, "Content-Encoding", "gzip") == MHD_YES);
    return good ? DM_OK
                : dm_err_set(e, DM_ENOMEM, __FILE__, __LINE__, "not enough memory for a reply");
}

/* "address|gzip|who what": an address has no blank. */
static char *key_of(struct http_state *st)
{
    char state[HTTP_STATE_SIZE] = "";
    st->server->app->state(&st->r, state);
    return state[0] == '\0'
               ? NULL
               : dm_arena_printf(&st->arena, "%s|%d|%s", st->uri, http_takes_gzip(&st->r), state);
}

int http_kept_take(struct http_state *st)
{
    struct http_kept_answers *a = st->server->kept;
    if (!(st->r.route->flags & HTTP_KEPT) || st->r.method != HTTP_GET || st->connection == NULL ||
        st->server->app->state == NULL) {
        return 0;
    }
    char *key = key_of(st);
    if (key == NULL) {
        return 0;
    }
    pthread_mutex_lock(&a->mu);
    struct kept *k = a->place[place_of(key)];
    const bool fits = k != NULL && dm_ms_since(k->made) < HTTP_KEPT_MS && strcmp(k->key, key) == 0;
    if (fits) {
        atomic_fetch_add(&k->refs, 1);
    }
    pthread_mutex_unlock(&a->mu);
    struct dm_err ignored = {0};
    const bool given = fits && reply_again(st, k, &ignored) >= 0;
    if (fits) {
        kept_unref(k);
    }
    if (!given) { /* made anew, with its own header fields */
        http_reply_drop(st);
        st->n_header = 0;
        st->keep_as = key;
    }
    return given;
}

static struct kept *kept_of(const struct http_state *st, const void *bytes, size_t n, bool packed)
{
    struct kept *k = dm_alloc(sizeof(*k) + n);
    if (k == NULL) {
        return NULL;
    }
    *k = (struct kept){.refs = 1, .made = dm_now(), .packed = packed, .n = n};
    memcpy(k->bytes, bytes, n);
    k->key = dm_strdup(st->keep_as);
    bool whole = k->key != NULL;
    for (size_t i = 0; i < st->n_header; i++) {
        k->header[i].name = st->header[i].name;
        k->header[i].value = dm_strdup(st->header[i].value);
        whole = whole && k->header[i].value != NULL;
        k->n_header++;
    }
    if (!whole) {
        kept_unref(k);
        return NULL;
    }
    return k;
}

/* Answers in the table whose time is over, or all of them, go. Under mu. */
static void sweep(struct http_kept_answers *a, bool all)
{
    for (size_t i = 0; i < LIMIT_HTTP_KEPT; i++) {
        struct kept *k = a->place[i];
        if (k != NULL && (all || dm_ms_since(k->made) >= HTTP_KEPT_MS)) {
            a->bytes -= k->n;
            a->place[i] = NULL;
            kept_unref(k);
        }
    }
}

void http_kept_put(struct http_state *st, const void *bytes, size_t n, bool packed)
{
    struct http_kept_answers *a = st->server->kept;
    if (st->keep_as == NULL || st->status != 200 || st->n_header > KEPT_HEADERS ||
        n > LIMIT_HTTP_KEPT_ONE) {
        return;
    }
    struct kept *k = kept_of(st, bytes, n, packed);
    if (k == NULL) {
        return;
    }
    pthread_mutex_lock(&a->mu);
    struct kept **place = &a->place[place_of(k->key)];
    if (*place != NULL) {
        a->bytes -= (*place)->n;
        kept_unref(DM_STEAL(*place));
    }
    if (a->bytes + n > LIMIT_HTTP_KEPT_BYTES) {
        sweep(a, false);
    }
    if (a->bytes + n > LIMIT_HTTP_KEPT_BYTES) {
        sweep(a, true);
    }
    a->bytes += n;
    *place = k;
    pthread_mutex_unlock(&a->mu);
}
