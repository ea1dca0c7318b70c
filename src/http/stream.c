/* SPDX-License-Identifier: Apache-2.0
 *
 * Replies without an end: server-sent events. Three parties: the event thread sends what a stream
 * has ready and suspends its connection when there is nothing, which costs no thread; one puller
 * asks every stream in turn for more, since a pull may look into the database and must not hold up
 * the event thread; a ticker makes all of them due once a second and watches slow clients, however
 * long a pull takes. */
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "http/limits.h"
#include "http/server_priv.h"

enum { STREAM_BUFFER_MAX = 1 << 20 };

/* Locking: server->lock for all but pull, ctx, free_ctx, which do not change; ctx belongs to the
 * puller while `pulling`. */
struct http_stream {
    struct http_server *server;
    struct MHD_Connection *connection;
    http_pull_fn pull;
    void *ctx;
    void (*free_ctx)(void *ctx);
    struct dm_buf ready; /* frames; not yet sent from `sent` on */
    size_t sent;
    bool due;     /* to be pulled */
    bool pulling; /* the puller is in it: it frees a stream that is gone */
    bool over;    /* ends when all is sent */
    bool gone;    /* the connection has let go of it */
    bool suspended, linked;
    struct http_stream *next, *prev;
};

static void resume_locked(struct http_stream *s)
{
    if (s->suspended) {
        s->suspended = false;
        MHD_resume_connection(s->connection);
    }
}

static ssize_t read_stream(void *cls, uint64_t pos, char *to, size_t max)
{
    struct http_stream *s = cls;
    (void)pos;
    pthread_mutex_lock(&s->server->lock);
    const bool stop = s->server->stopping || s->server->draining;
    const size_t n = DM_MIN(max, s->ready.len - s->sent);
    const bool end = n == 0 && (s->over || stop);
    if (n > 0) {
        memcpy(to, s->ready.data + s->sent, n);
        s->sent += n;
    } else if (!end) {
        s->suspended = true;
        MHD_suspend_connection(s->connection);
    }
    pthread_mutex_unlock(&s->server->lock);
    return end ? MHD_CONTENT_READER_END_OF_STREAM : (ssize_t)n;
}

static void unlink_locked(struct http_stream *s)
{
    *(s->prev != NULL ? &s->prev->next : &s->server->streams) = s->next;
    if (s->next != NULL) {
        s->next->prev = s->prev;
    }
    s->server->n_streams--;
}

static void stream_free(struct http_stream *s)
{
    if (s->free_ctx != NULL) {
        s->free_ctx(s->ctx);
    }
    dm_buf_clear(&s->ready);
    dm_free(s);
}

/* The connection is done with it. */
static void let_go(void *cls)
{
    struct http_stream *s = cls;
    struct http_server *server = s->server;
    pthread_mutex_lock(&server->lock);
    s->gone = true;
    const bool pulling = s->pulling;
    if (!pulling && s->linked) {
        unlink_locked(s);
    }
    pthread_mutex_unlock(&server->lock);
    if (!pulling) {
        stream_free(s);
    }
}

int http_reply_stream(struct http_request *r, const char *type, http_pull_fn pull, void *ctx,
                      void (*free_ctx)(void *ctx), struct dm_err *e)
{
    struct http_state *st = r->state;
    struct http_server *server = st->server;
    http_reply_drop(st);
    struct http_stream *s = dm_calloc(1, sizeof(*s));
    if (s == NULL) {
        DM_FAIL(e, DM_ENOMEM, "not enough memory for a stream");
    }
    *s = (struct http_stream){.server = server,
                              .connection = st->connection,
                              .pull = pull,
                              .ready = dm_buf_init(STREAM_BUFFER_MAX)};
    st->response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 4096, read_stream, s, let_go);
    if (st->response == NULL ||
        MHD_add_response_header(st->response, "Content-Type", type) != MHD_YES ||
        MHD_add_response_header(st->response, "X-Accel-Buffering", "no") != MHD_YES ||
        MHD_add_response_header(st->response, "Cache-Control", "no-store") != MHD_YES) {
        if (st->response == NULL) {
            dm_free(s);
        }
        http_reply_drop(st);
        DM_FAIL(e, DM_ENOMEM, "not enough memory for a stream");
    }
    pthread_mutex_lock(&server->lock);
    const bool room = server->n_streams < LIMIT_HTTP_STREAMS && !server->stopping;
    if (room) {
        /* From here on the context is the stream's. */
        s->ctx = ctx;
        s->free_ctx = free_ctx;
        s->next = server->streams;
        if (s->next != NULL) {
            s->next->prev = s;
        }
        server->streams = s;
        server->n_streams++;
        s->linked = s->due = true;
        pthread_cond_signal(&server->pull);
    }
    pthread_mutex_unlock(&server->lock);
    if (!room) {
        http_reply_drop(st);
        DM_FAIL(e, HTTP_E_RATE, "too many event streams");
    }
    st->status = 200;
    return DM_OK;
}

/* ---- the puller ------------------------------------------------------------------------------ */

/* Under the lock, which is let go meanwhile: more for a stream whose client has taken all. */
static void pull_one(struct http_stream *s)
{
    struct http_server *server = s->server;
    dm_buf_clear(&s->ready);
    s->sent = 0;
    s->due = false;
    s->pulling = true;
    struct dm_buf more = dm_buf_init(STREAM_BUFFER_MAX);
    pthread_mutex_unlock(&server->lock);
    const bool over = s->pull(s->ctx, &more) <= 0;
    pthread_mutex_lock(&server->lock);
    s->pulling = false;
    s->ready = more;
    s->over = over || more.failed;
    if (s->over || more.len > 0) {
        resume_locked(s);
    }
}

/* All that are due. One stays in the list while it is pulled, so that its `next` is good; those
 * whose connection ended meanwhile are freed at the end. */
static void pull_round(struct http_server *server)
{
    struct http_stream *dead = NULL;
    for (struct http_stream *s = server->streams, *next; s != NULL && !server->stopping; s = next) {
        if (s->due && !s->over && s->sent == s->ready.len) {
            pull_one(s);
        }
        next = s->next;
        if (s->gone) {
            unlink_locked(s);
            s->next = dead;
            dead = s;
        }
    }
    pthread_mutex_unlock(&server->lock);
    while (dead != NULL) {
        struct http_stream *next = dead->next;
        stream_free(dead);
        dead = next;
    }
    pthread_mutex_lock(&server->lock);
}

static bool some_due(const struct http_server *server)
{
    const struct http_stream *s = server->streams;
    while (s != NULL && (!s->due || s->over || s->sent != s->ready.len)) {
        s = s->next;
    }
    return s != NULL;
}

static void *pull_all(void *arg)
{
    struct http_server *s = arg;
    pthread_mutex_lock(&s->lock);
    while (!s->stopping) {
        if (some_due(s)) {
            pull_round(s);
        } else {
            pthread_cond_wait(&s->pull, &s->lock);
        }
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

/* ---- the ticker ------------------------------------------------------------------------------ */

static void *tick(void *arg)
{
    struct http_server *s = arg;
    pthread_mutex_lock(&s->lock);
    while (!s->stopping) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += HTTP_STREAM_TICK_MS / 1000;
        (void)pthread_cond_timedwait(&s->tick, &s->lock, &until);
        for (struct http_stream *one = s->streams; one != NULL; one = one->next) {
            one->due = true;
            if (s->draining) {
                resume_locked(one);
            }
        }
        pthread_cond_signal(&s->pull);
        http_peers_check(s);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

int http_streams_start(struct http_server *s, struct dm_err *e)
{
    if (pthread_create(&s->ticker, NULL, tick, s) != 0) {
        DM_FAIL(e, DM_EIO, "no thread for event streams");
    }
    s->has_ticker = true;
    if (pthread_create(&s->puller, NULL, pull_all, s) != 0) {
        DM_FAIL(e, DM_EIO, "no thread for event streams");
    }
    s->has_puller = true;
    return DM_OK;
}

void http_streams_stop(struct http_server *s)
{
    if (s->has_ticker) {
        pthread_cond_broadcast(&s->tick);
        (void)pthread_join(s->ticker, NULL);
        s->has_ticker = false;
    }
    if (s->has_puller) {
        pthread_cond_broadcast(&s->pull);
        (void)pthread_join(s->puller, NULL);
        s->has_puller = false;
    }
    /* Nobody is left who would, and none may be suspended when the daemon stops. */
    pthread_mutex_lock(&s->lock);
    for (struct http_stream *one = s->streams; one != NULL; one = one->next) {
        resume_locked(one);
    }
    pthread_mutex_unlock(&s->lock);
}
