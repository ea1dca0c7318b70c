/* SPDX-License-Identifier: Apache-2.0
 *
 * Replies without an end: server-sent events. A stream with nothing to say is a suspended
 * connection, which costs no thread; a ticker wakes all of them once a second, so that pulls can
 * send pings and see that they should end. */
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "http/limits.h"
#include "http/server_priv.h"

enum { STREAM_BUFFER_MAX = 1 << 20 };

struct http_stream {
    struct http_server *server;
    struct MHD_Connection *connection;
    http_pull_fn pull;
    void *ctx;
    void (*free_ctx)(void *ctx);
    struct dm_buf out;
    size_t sent;
    bool suspended, over, linked;
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
    if (s->sent == s->out.len) {
        dm_buf_clear(&s->out);
        s->sent = 0;
        if (!s->over && s->pull(s->ctx, &s->out) <= 0) {
            s->over = true;
        }
    }
    pthread_mutex_lock(&s->server->lock);
    bool stop = s->server->stopping || s->server->draining;
    size_t n = DM_MIN(max, s->out.len - s->sent);
    if (n == 0 && !s->over && !stop) {
        s->suspended = true;
        MHD_suspend_connection(s->connection);
    }
    pthread_mutex_unlock(&s->server->lock);
    if (n == 0) {
        return s->over || stop ? MHD_CONTENT_READER_END_OF_STREAM : 0;
    }
    memcpy(to, s->out.data + s->sent, n);
    s->sent += n;
    return (ssize_t)n;
}

static void free_stream(void *cls)
{
    struct http_stream *s = cls;
    struct http_server *server = s->server;
    pthread_mutex_lock(&server->lock);
    if (s->linked) {
        *(s->prev != NULL ? &s->prev->next : &server->streams) = s->next;
        if (s->next != NULL) {
            s->next->prev = s->prev;
        }
        server->n_streams--;
    }
    pthread_mutex_unlock(&server->lock);
    if (s->free_ctx != NULL) {
        s->free_ctx(s->ctx);
    }
    dm_buf_clear(&s->out);
    dm_free(s);
}

int http_reply_stream(struct http_request *r, const char *type, http_pull_fn pull, void *ctx,
                      void (*free_ctx)(void *ctx), struct http_stream **ret, struct dm_err *e)
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
                              .out = dm_buf_init(STREAM_BUFFER_MAX)};
    st->response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 4096, read_stream, s, free_stream);
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
    bool room = server->n_streams < LIMIT_HTTP_STREAMS && !server->stopping;
    if (room) {
        s->next = server->streams;
        if (s->next != NULL) {
            s->next->prev = s;
        }
        server->streams = s;
        server->n_streams++;
        s->linked = true;
    }
    pthread_mutex_unlock(&server->lock);
    if (!room) {
        http_reply_drop(st);
        DM_FAIL(e, HTTP_E_RATE, "too many event streams");
    }
    /* From here on the context is the stream's. */
    s->ctx = ctx;
    s->free_ctx = free_ctx;
    st->status = 200;
    *ret = s;
    return DM_OK;
}

void http_stream_wake(struct http_stream *s)
{
    pthread_mutex_lock(&s->server->lock);
    resume_locked(s);
    pthread_mutex_unlock(&s->server->lock);
}

static void wake_all(struct http_server *s)
{
    for (struct http_stream *one = s->streams; one != NULL; one = one->next) {
        resume_locked(one);
    }
}

static void *tick(void *arg)
{
    struct http_server *s = arg;
    pthread_mutex_lock(&s->lock);
    while (!s->stopping) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += HTTP_STREAM_TICK_MS / 1000;
        (void)pthread_cond_timedwait(&s->tick, &s->lock, &until);
        wake_all(s);
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
    return DM_OK;
}

void http_streams_stop(struct http_server *s)
{
    if (s->has_ticker) {
        pthread_cond_broadcast(&s->tick);
        (void)pthread_join(s->ticker, NULL);
        s->has_ticker = false;
    }
}
