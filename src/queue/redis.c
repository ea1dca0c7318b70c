/* SPDX-License-Identifier: Apache-2.0
 *
 * Redis Streams as carrier: stream demeter:q:QUEUE, group "workers", fields u (uuid of the job) and
 * t (traceparent). Two connections: one waits in XREADGROUP, the other one does all else under a
 * lock. An entry is "QUEUE/ID". */
#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "queue/carrier_priv.h"
#include "queue/redis_link.h"

#define STREAM "demeter:q:"
#define GROUP  "workers"

enum {
    STREAM_SIZE = sizeof(STREAM) + 30,
    QUEUES_MAX = 8,
    READ_COUNT = 10,
    HELD_MAX = 128, /* entries received, not asked for yet */
    PAGE = 1000,    /* of a sweep; READY_MS old, so that fresh ones are left alone */
    READY_MS = 10000,
    PAGES_MAX = QUEUE_STREAM_MAX / PAGE + 10,
};

/* tell: mu. The rest belongs to the clerk's thread; up is atomic. */
struct redis {
    struct queue_carrier base;
    struct dm_arena a; /* of the texts */
    struct redis_address address;
    pthread_mutex_t mu;
    struct redis_link tell;
    _Atomic bool is_up;
    struct redis_link hear;
    bool asked; /* XREADGROUP is under way */
    const char *consumer;
    size_t n_queues;
    char stream[QUEUES_MAX][STREAM_SIZE];
    size_t n_held;
    char held[HELD_MAX][QUEUE_ENTRY_SIZE];
};

static struct redis *redis_of(struct queue_carrier *c)
{
    DM_BUG_UNLESS(c->ops == &queue_carrier_redis);
    return DM_CONTAINER_OF(c, struct redis, base);
}

/* ---- address --------------------------------------------------------------------------------- */

static const char *part(CURLU *u, CURLUPart which, struct dm_arena *a)
{
    char *text = NULL;
    const char *copy = NULL;
    if (curl_url_get(u, which, &text, CURLU_URLDECODE) == CURLUE_OK) {
        copy = dm_arena_printf(a, "%s", text);
    }
    curl_free(text);
    return copy;
}

static int understand(struct redis *r, const char *url, CURLU *u, const char *password,
                      struct dm_err *e)
{
    bool tls = !strncmp(url, "rediss:", 7);
    /* as http, so that libcurl knows how it is written; the message must not hold the password */
    const char *as_http = dm_arena_printf(&r->a, "%s%s", tls ? "https" : "http", strchr(url, ':'));
    if (!as_http || curl_url_set(u, CURLUPART_URL, as_http, 0) != CURLUE_OK) {
        DM_FAIL(e, DM_EBADINPUT, "the address of Redis is redis://USER:PASSWORD@HOST:PORT/DB");
    }
    const char *host = part(u, CURLUPART_HOST, &r->a);
    const char *port = part(u, CURLUPART_PORT, &r->a);
    const char *path = part(u, CURLUPART_PATH, &r->a);
    const char *query = part(u, CURLUPART_QUERY, &r->a);
    const char *own = part(u, CURLUPART_PASSWORD, &r->a);
    char *end = NULL;
    long db = path && path[0] && path[1] ? strtol(path + 1, &end, 10) : 0;
    if (!host || db < 0 || db > 1000 || (end && *end)) {
        DM_FAIL(e, DM_EBADINPUT, "the address of Redis is redis://USER:PASSWORD@HOST:PORT/DB");
    }
    r->address.base =
        dm_arena_printf(&r->a, "%s://%s:%s", tls ? "https" : "http", host, port ? port : "6379");
    r->address.user = part(u, CURLUPART_USER, &r->a);
    r->address.password = own                     ? own
                          : password && *password ? dm_arena_printf(&r->a, "%s", password)
                                                  : NULL;
    r->address.db = (int)db;
    if (query && !strncmp(query, "cacert=", 7)) {
        r->address.ca_file = query + 7;
    }
    if (!r->address.base) {
        DM_FAIL(e, DM_ENOMEM, "no memory for an address");
    }
    return DM_OK;
}

static void redis_close(struct queue_carrier *c)
{
    struct redis *r = redis_of(c);
    redis_link_drop(&r->tell);
    redis_link_drop(&r->hear);
    (void)pthread_mutex_destroy(&r->mu);
    dm_arena_clear(&r->a);
    dm_free(r);
}

static int redis_open(const char *url, const char *password, struct queue_carrier **ret,
                      struct dm_err *e)
{
    struct redis *r = dm_calloc(1, sizeof(*r));
    CURLU *u = curl_url();
    int code = DM_OK;
    if (!r || !u) {
        dm_free(r);
        curl_url_cleanup(u);
        DM_FAIL(e, DM_ENOMEM, "no memory for a carrier");
    }
    r->base.ops = &queue_carrier_redis;
    r->tell = (struct redis_link){.address = &r->address, .fd = -1};
    r->hear = (struct redis_link){.address = &r->address, .fd = -1};
    (void)pthread_mutex_init(&r->mu, NULL);
    code = understand(r, url, u, password, e);
    curl_url_cleanup(u);
    if (code < 0) {
        redis_close(&r->base);
        return code;
    }
    *ret = &r->base;
    return DM_OK;
}

static bool redis_up(struct queue_carrier *c)
{
    return redis_of(c)->is_up;
}

/* ---- telling --------------------------------------------------------------------------------- */

/* Ask on the shared link; an error answer becomes a code. */
static int ask(struct redis *r, int argc, const char *const *argv, redisReply **ret,
               struct dm_err *e)
{
    redisReply *reply = NULL;
    (void)pthread_mutex_lock(&r->mu);
    int code = redis_link_ask(&r->tell, argc, argv, &reply, e);
    (void)pthread_mutex_unlock(&r->mu);
    r->is_up = code >= 0;
    DM_TRY(code);
    if (reply->type == REDIS_REPLY_ERROR) {
        bool no_group = !strncmp(reply->str, "NOGROUP", 7);
        code = dm_err_set(e, no_group ? DM_ENOTFOUND : DM_EIO, __FILE__, __LINE__, "Redis: %s",
                          reply->str);
        freeReplyObject(reply);
        return code;
    }
    if (ret) {
        *ret = reply;
    } else {
        freeReplyObject(reply);
    }
    return DM_OK;
}

#define ASK(r, ret, e, ...)                                                                        \
    ask((r), (int)DM_COUNT(((const char *[]){__VA_ARGS__})), (const char *[]){__VA_ARGS__}, (ret), \
        (e))

static int redis_publish(struct queue_carrier *c, const char *queue, const char *uuid,
                         const char *traceparent, struct dm_err *e)
{
    char stream[STREAM_SIZE];
    char most[16];
    (void)snprintf(stream, sizeof(stream), STREAM "%s", queue);
    (void)snprintf(most, sizeof(most), "%d", QUEUE_STREAM_MAX);
    return ASK(redis_of(c), NULL, e, "XADD", stream, "MAXLEN", "~", most, "*", "u", uuid, "t",
               traceparent ? traceparent : "");
}

/* "QUEUE/ID" into its stream and id. */
static bool entry_parts(const char *entry, char stream[static STREAM_SIZE], const char **id)
{
    const char *slash = strchr(entry, '/');
    if (!slash) {
        return false;
    }
    (void)snprintf(stream, STREAM_SIZE, STREAM "%.*s", (int)(slash - entry), entry);
    *id = slash + 1;
    return true;
}

static int remove_entry(struct redis *r, const char *stream, const char *id, struct dm_err *e)
{
    int code = ASK(r, NULL, e, "XACK", stream, GROUP, id);
    DM_TRY(code == DM_ENOTFOUND ? DM_OK : code);
    return ASK(r, NULL, e, "XDEL", stream, id);
}

static int redis_ack(struct queue_carrier *c, const char *entry, struct dm_err *e)
{
    char stream[STREAM_SIZE];
    const char *id = NULL;
    return entry_parts(entry, stream, &id) ? remove_entry(redis_of(c), stream, id, e) : DM_OK;
}

/* ---- hearing --------------------------------------------------------------------------------- */

static int redis_listen(struct queue_carrier *c, const char *const *queues, size_t n,
                        const char *consumer, struct dm_err *e)
{
    struct redis *r = redis_of(c);
    DM_BUG_UNLESS(n <= QUEUES_MAX);
    r->consumer = consumer;
    r->n_queues = 0;
    for (size_t i = 0; i < n; i++) {
        (void)snprintf(r->stream[i], STREAM_SIZE, STREAM "%s", queues[i]);
        struct dm_err why = {0};
        int code = ASK(r, NULL, &why, "XGROUP", "CREATE", r->stream[i], GROUP, "0", "MKSTREAM");
        if (code < 0 && !strstr(why.text, "BUSYGROUP")) {
            DM_FAIL(e, code, "%s", dm_err_text(&why));
        }
    }
    r->n_queues = n;
    return DM_OK;
}

static int redis_fd(struct queue_carrier *c)
{
    return redis_of(c)->hear.fd;
}

static void hold(struct redis *r, const char *stream, const redisReply *id)
{
    if (r->n_held < HELD_MAX && id->type == REDIS_REPLY_STRING) {
        (void)snprintf(r->held[r->n_held++], QUEUE_ENTRY_SIZE, "%s/%s", stream + strlen(STREAM),
                       id->str);
    }
}

/* [[id, [field, value, ...]], ...]; deleted entries of a claim are nil. */
static void hold_all(struct redis *r, const char *stream, const redisReply *entries)
{
    for (size_t i = 0; entries->type == REDIS_REPLY_ARRAY && i < entries->elements; i++) {
        const redisReply *one = entries->element[i];
        if (one->type == REDIS_REPLY_ARRAY && one->elements == 2) {
            hold(r, stream, one->element[0]);
        }
    }
}

/* An answer of XREADGROUP: [[stream, entries], ...]. An error (stream deleted, group gone) makes
 * the clerk listen again. */
static int heard(struct redis *r, const redisReply *reply, struct dm_err *e)
{
    r->asked = false;
    if (reply->type == REDIS_REPLY_ERROR) {
        r->n_queues = 0;
        DM_FAIL(e, DM_EIO, "Redis: %s", reply->str);
    }
    for (size_t i = 0; reply->type == REDIS_REPLY_ARRAY && i < reply->elements; i++) {
        const redisReply *one = reply->element[i];
        bool ok = one->type == REDIS_REPLY_ARRAY && one->elements == 2 &&
                  one->element[0]->type == REDIS_REPLY_STRING &&
                  strlen(one->element[0]->str) > strlen(STREAM);
        if (ok) {
            hold_all(r, one->element[0]->str, one->element[1]);
        }
    }
    return DM_OK;
}

static int ask_for_news(struct redis *r, struct dm_err *e)
{
    static const char count[] = "10"; /* READ_COUNT */
    const char *argv[9 + 2 * QUEUES_MAX] = {"XREADGROUP", "GROUP", GROUP,   r->consumer, "COUNT",
                                            count,        "BLOCK", "30000", "STREAMS"};
    int argc = 9;
    for (size_t i = 0; i < r->n_queues; i++) {
        argv[argc + (int)i] = r->stream[i];
        argv[argc + (int)(r->n_queues + i)] = ">";
    }
    DM_TRY(redis_link_send(&r->hear, argc + 2 * (int)r->n_queues, argv, e));
    r->asked = true;
    return DM_OK;
}

static int redis_next(struct queue_carrier *c, char ret[static QUEUE_ENTRY_SIZE], struct dm_err *e)
{
    struct redis *r = redis_of(c);
    redisReply *reply = NULL;
    if (!r->n_queues) {
        DM_FAIL(e, DM_EAGAIN, "Redis: not listening");
    }
    if (!r->n_held && r->asked) {
        int got = redis_link_receive(&r->hear, 0, &reply, e);
        if (got > 0) {
            got = heard(r, reply, e);
            freeReplyObject(reply);
        }
        r->asked = got >= 0 && r->asked;
        r->is_up = got >= 0;
        DM_TRY(got);
    }
    if (!r->n_held) {
        int code = r->asked ? DM_OK : ask_for_news(r, e);
        r->is_up = code >= 0;
        return code < 0 ? code : 0;
    }
    memcpy(ret, r->held[--r->n_held], QUEUE_ENTRY_SIZE);
    return 1;
}

static int redis_claim(struct queue_carrier *c, int64_t idle_ms, struct dm_err *e)
{
    struct redis *r = redis_of(c);
    char idle[24];
    (void)snprintf(idle, sizeof(idle), "%jd", (intmax_t)idle_ms);
    for (size_t i = 0; i < r->n_queues; i++) {
        redisReply *reply = NULL;
        DM_TRY(ASK(r, &reply, e, "XAUTOCLAIM", r->stream[i], GROUP, r->consumer, idle, "0-0",
                   "COUNT", "100"));
        if (reply->type == REDIS_REPLY_ARRAY && reply->elements >= 2) {
            hold_all(r, r->stream[i], reply->element[1]);
        }
        freeReplyObject(reply);
    }
    return DM_OK;
}

/* ---- sweeping -------------------------------------------------------------------------------- */

struct sweep {
    struct redis *r;
    struct store_tx *tx;
    int64_t before_ms;
    struct dm_arena a;
    const char **uuid; /* [n] in streams, sorted at the end */
    size_t n, room;
};

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int remember(struct sweep *w, const char *uuid, struct dm_err *e)
{
    if (w->n == w->room) {
        size_t room = w->room ? w->room * 2 : PAGE;
        const char **grown = dm_realloc(w->uuid, room * sizeof(*grown));
        if (!grown) {
            DM_FAIL(e, DM_ENOMEM, "no memory for a sweep");
        }
        w->uuid = grown;
        w->room = room;
    }
    w->uuid[w->n] = dm_arena_printf(&w->a, "%s", uuid);
    if (!w->uuid[w->n]) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a sweep");
    }
    w->n++;
    return DM_OK;
}

static int sweep_entry(struct sweep *w, const char *stream, const redisReply *entry,
                       struct dm_err *e)
{
    const redisReply *fields = entry->elements == 2 ? entry->element[1] : NULL;
    const char *status = "";
    if (!fields || fields->type != REDIS_REPLY_ARRAY || fields->elements < 2) {
        return DM_OK;
    }
    const char *id = entry->element[0]->str;
    const char *uuid = fields->element[1]->str;
    if (strtoll(id, NULL, 10) < w->before_ms) {
        struct dm_arena a = {0};
        int found = queue_status(w->tx, uuid, &a, &status, e);
        bool waits = found > 0 && (!strcmp(status, "pending") || !strcmp(status, "processing"));
        dm_arena_clear(&a);
        DM_TRY(found);
        if (!waits) {
            return remove_entry(w->r, stream, id, e);
        }
    }
    return remember(w, uuid, e);
}

static int sweep_stream(struct sweep *w, const char *queue, struct dm_err *e)
{
    char stream[STREAM_SIZE];
    char from[64] = "-";
    (void)snprintf(stream, sizeof(stream), STREAM "%s", queue);
    for (int page = 0; page < PAGES_MAX; page++) {
        redisReply *reply = NULL;
        DM_TRY(ASK(w->r, &reply, e, "XRANGE", stream, from, "+", "COUNT", "1000"));
        size_t n = reply->type == REDIS_REPLY_ARRAY ? reply->elements : 0;
        int code = DM_OK;
        for (size_t i = 0; code >= 0 && i < n; i++) {
            code = sweep_entry(w, stream, reply->element[i], e);
        }
        if (n == PAGE) {
            (void)snprintf(from, sizeof(from), "(%s", reply->element[n - 1]->element[0]->str);
        }
        freeReplyObject(reply);
        DM_TRY(code);
        if (n < PAGE) {
            break;
        }
    }
    return DM_OK;
}

static int publish_missing(struct sweep *w, int64_t *missing, struct dm_err *e)
{
    struct store_table waiting;
    int64_t after = 0;
    if (w->n) {
        qsort(w->uuid, w->n, sizeof(*w->uuid), by_text);
    }
    do {
        struct dm_arena a = {0};
        int code = queue_waiting(w->tx, w->before_ms, after, PAGE, &a, &waiting, e);
        for (size_t i = 0; code >= 0 && i < waiting.n; i++) {
            const struct store_value *row = store_row(&waiting, i);
            const char *uuid = row[1].t;
            enum queue_kind kind;
            after = row[0].i;
            code = queue_kind_of(row[2].t, &kind, e);
            if (code >= 0 && !(w->n && bsearch(&uuid, w->uuid, w->n, sizeof(*w->uuid), by_text))) {
                code = redis_publish(&w->r->base, queue_kind_info(kind)->queue, uuid,
                                     row[3].null ? NULL : row[3].t, e);
                *missing += code >= 0;
            }
        }
        dm_arena_clear(&a);
        DM_TRY(code);
    } while (waiting.n == PAGE);
    return DM_OK;
}

static int sweep_all(struct sweep *w, int64_t *missing, struct dm_err *e)
{
    const char *done[QUEUE_KIND_MAX_];
    size_t n = 0;
    for (int k = 0; k < QUEUE_KIND_MAX_; k++) {
        const char *queue = queue_kind_info((enum queue_kind)k)->queue;
        bool known = false;
        for (size_t i = 0; i < n; i++) {
            known = known || !strcmp(done[i], queue);
        }
        if (!known) {
            done[n++] = queue;
            DM_TRY(sweep_stream(w, queue, e));
        }
    }
    return publish_missing(w, missing, e);
}

static int redis_sweep(struct queue_carrier *c, struct store *s, int64_t now_ms,
                       int64_t *ret_missing, struct dm_err *e)
{
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    DM_TRY(store_begin(s, STORE_READ, &tx, e));
    struct sweep w = {.r = redis_of(c), .tx = tx, .before_ms = now_ms - READY_MS};
    int code = sweep_all(&w, ret_missing, e);
    dm_free(w.uuid);
    dm_arena_clear(&w.a);
    return code;
}

static const char *const schemes[] = {"redis", "rediss", NULL};

const struct queue_carrier_ops queue_carrier_redis = {
    .schemes = schemes,
    .tells = true,
    .open = redis_open,
    .close = redis_close,
    .up = redis_up,
    .publish = redis_publish,
    .listen = redis_listen,
    .fd = redis_fd,
    .next = redis_next,
    .ack = redis_ack,
    .claim = redis_claim,
    .sweep = redis_sweep,
};
