/* SPDX-License-Identifier: Apache-2.0
 *
 * libmicrohttpd's event threads move bytes; handlers run on a pool of our own while their
 * connection is suspended, so a slow report delays nobody's upload. */
#include "http/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "http/limits.h"
#include "http/server_priv.h"

enum {
    CONNECTIONS = 1024,
    IDLE_SECONDS = 30,
    EVENT_THREADS = 2,
    BACKLOG = 511,
};

/* ---- the pool ---- */

static void resume(struct http_state *st, enum http_phase next)
{
    st->phase = next;
    MHD_resume_connection(st->connection);
}

static void *work(void *arg)
{
    struct http_server *s = arg;
    pthread_mutex_lock(&s->lock);
    for (;;) {
        while (s->first == NULL && !s->stopping) {
            pthread_cond_wait(&s->work, &s->lock);
        }
        struct http_state *st = s->first;
        if (st == NULL) {
            break;
        }
        s->first = st->next;
        s->running++;
        pthread_mutex_unlock(&s->lock);
        if (st->phase == HTTP_GUARDING) {
            http_run_guard(st);
            resume(st, HTTP_BODY);
        } else {
            http_run(st);
            resume(st, HTTP_READY);
        }
        pthread_mutex_lock(&s->lock);
        s->running--;
        if (s->running == 0 && s->first == NULL) {
            pthread_cond_broadcast(&s->idle);
        }
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

/* Hand the request to the pool; its connection waits. */
static void submit(struct http_state *st, enum http_phase phase)
{
    struct http_server *s = st->server;
    st->phase = phase;
    st->next = NULL;
    MHD_suspend_connection(st->connection);
    pthread_mutex_lock(&s->lock);
    if (s->first == NULL) {
        s->first = st;
    } else {
        s->last->next = st;
    }
    s->last = st;
    pthread_cond_signal(&s->work);
    pthread_mutex_unlock(&s->lock);
}

/* ---- what is going on ---- */

static const struct {
    enum http_method method;
    const char *name;
} method_row[HTTP_LOAD_METHODS] = {
    {HTTP_GET, "GET"},     {HTTP_POST, "POST"},     {HTTP_PUT, "PUT"},
    {HTTP_PATCH, "PATCH"}, {HTTP_DELETE, "DELETE"}, {0, "OTHER"},
};

static unsigned place_of_method(enum http_method m)
{
    unsigned i = 0;
    while (i < HTTP_LOAD_METHODS - 1 && method_row[i].method != m) {
        i++;
    }
    return i;
}

const char *http_method_name(enum http_method m)
{
    return method_row[place_of_method(m)].name;
}

void http_server_load(struct http_server *s, struct http_load *ret)
{
    for (size_t i = 0; i < HTTP_LOAD_METHODS; i++) {
        ret->in_flight[i].method = method_row[i].name;
        ret->in_flight[i].n = atomic_load(&s->in_flight[i]);
    }
    pthread_mutex_lock(&s->lock);
    ret->streams = s->n_streams;
    pthread_mutex_unlock(&s->lock);
}

/* ---- a request in the event thread ---- */

/* What the row of this path adds; the first that does speaks for the path. */
static void add_options(struct http_state *st)
{
    for (unsigned method = HTTP_GET; st->r.target != NULL && method <= HTTP_DELETE; method <<= 1) {
        struct http_match m;
        http_router_find(st->server->router, st->r.target, (enum http_method)method, &st->arena,
                         &m);
        if (m.route != NULL && m.route->options != NULL) {
            const struct http_route *before = st->r.route;
            st->r.route = m.route;
            (void)m.route->options(&st->r, NULL);
            st->r.route = before;
            return;
        }
    }
}

/* CORS preflight, or which methods there are. */
static enum MHD_Result answer_options(struct http_state *st)
{
    struct dm_err ignored = {0};
    if (http_reply_empty(&st->r, 204, &ignored) < 0) {
        return MHD_NO;
    }
    const char *methods = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
    http_reply_allow(st);
    if (st->server->options->cors_origins != NULL) {
        (void)http_reply_header(&st->r, "Access-Control-Allow-Methods", methods, &ignored);
        (void)http_reply_header(&st->r, "Access-Control-Allow-Headers",
                                "Authorization, Content-Type, X-Correlation-ID, Idempotency-Key, "
                                "If-Match, If-None-Match, Last-Event-ID, Tus-Resumable, "
                                "Upload-Length, Upload-Offset, Upload-Metadata, Upload-Checksum",
                                &ignored);
        (void)http_reply_header(&st->r, "Access-Control-Max-Age", "600", &ignored);
    }
    add_options(st);
    return http_reply_queue(st);
}

static enum MHD_Result on_head(struct http_state *st, const char *method)
{
    struct dm_err err = {0};
    http_peer_stage(st->connection, HTTP_STAGE_ANSWER);
    struct dm_err framing = {0};
    int rc = http_request_head(st, method, &err);
    st->counted = place_of_method(st->r.method) + 1;
    atomic_fetch_add(&st->server->in_flight[st->counted - 1], 1);
    if (http_framing_check(st, &framing) < 0) {
        http_reply_problem(st, &framing, NULL);
        return http_reply_queue(st);
    }
    if (strcmp(method, "OPTIONS") == 0) {
        return answer_options(st);
    }
    if (rc >= 0 && st->server->draining) {
        rc = dm_err_set(&err, HTTP_E_UNAVAILABLE, __FILE__, __LINE__, "the server is stopping");
    }
    if (rc < 0) {
        http_reply_problem(st, &err, NULL);
        return http_reply_queue(st);
    }
    if (http_has_body(st)) {
        submit(st, HTTP_GUARDING);
        return MHD_YES;
    }
    st->phase = HTTP_BODY;
    return MHD_YES;
}

/* The guard has spoken; prepare for the body. */
static int begin_body(struct http_state *st, struct dm_err *e)
{
    const struct http_route *route = st->r.route;
    DM_TRY(http_request_body(st, e));
    st->body = dm_buf_init((size_t)http_body_max(route));
    const char *type = http_header(&st->r, "Content-Type");
    if (route->form != NULL && type != NULL && strncasecmp(type, "multipart/form-data", 19) == 0) {
        return http_form_begin(st, e);
    }
    return DM_OK;
}

static int feed(struct http_state *st, const char *bytes, size_t n, struct dm_err *e)
{
    st->body_bytes += (int64_t)n;
    if (st->body_bytes > http_body_max(st->r.route)) {
        DM_REFUSE(e, HTTP_E_TOO_LARGE, DM_FIELDS(DM_I("max_bytes", http_body_max(st->r.route))),
                  "the body is too large");
    }
    if (st->r.route->raw != NULL) {
        return st->r.route->raw(&st->r, bytes, n, e);
    }
    if (st->form != NULL) {
        return http_form_feed(st, bytes, n, e);
    }
    dm_buf_append(&st->body, bytes, n);
    return dm_buf_ok(&st->body, e);
}

/* Bytes after a fault are thrown away up to a point, so that the client gets to read the reply. */
static enum MHD_Result on_bytes(struct http_state *st, const char *bytes, size_t *n)
{
    enum { THROWN_AWAY_MAX = 1 << 20 };
    struct dm_err err = {0};
    http_peer_stage(st->connection, HTTP_STAGE_BODY);
    http_peer_bytes(st->connection, *n);
    if (!st->drop_body && feed(st, bytes, *n, &err) < 0) {
        st->drop_body = true;
        st->body_bytes = 0;
        http_reply_problem(st, &err, NULL);
    } else if (st->drop_body) {
        st->body_bytes += (int64_t)*n;
        if (st->body_bytes > THROWN_AWAY_MAX) {
            return MHD_NO;
        }
    }
    *n = 0;
    return MHD_YES;
}

static enum MHD_Result on_end(struct http_state *st)
{
    http_peer_stage(st->connection, HTTP_STAGE_ANSWER);
    if (st->drop_body || st->response != NULL) {
        return http_reply_queue(st);
    }
    if (st->r.route->flags & HTTP_INLINE) {
        http_run(st);
        return http_reply_queue(st);
    }
    submit(st, HTTP_RUNNING);
    return MHD_YES;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *bytes,
                                  size_t *n, void **con_cls)
{
    struct http_state *st = *con_cls;
    (void)cls;
    (void)url;
    (void)version;
    if (st == NULL) {
        return MHD_NO;
    }
    if (st->connection == NULL) {
        st->connection = connection;
        return on_head(st, method);
    }
    struct dm_err err = {0};
    switch (st->phase) {
    case HTTP_HEAD:
    case HTTP_GUARDING:
    case HTTP_RUNNING:
        return MHD_YES;
    case HTTP_READY:
        return http_reply_queue(st);
    case HTTP_BODY:
        break;
    }
    if (st->guarded && st->response != NULL && !st->drop_body) {
        /* Refused by the guard: answered without reading the body. */
        return http_reply_queue(st);
    }
    if (st->guarded && st->body.max == 0) {
        if (begin_body(st, &err) < 0) {
            http_reply_problem(st, &err, NULL);
            return http_reply_queue(st);
        }
        if (*n == 0) {
            return MHD_YES;
        }
    }
    return *n > 0 ? on_bytes(st, bytes, n) : on_end(st);
}

static void *on_uri(void *cls, const char *uri, struct MHD_Connection *connection)
{
    http_peer_stage(connection, HTTP_STAGE_HEAD);
    return http_state_new(cls, uri);
}

static void on_done(void *cls, struct MHD_Connection *connection, void **con_cls,
                    enum MHD_RequestTerminationCode how)
{
    struct http_server *s = cls;
    struct http_state *st = *con_cls;
    (void)how;
    http_peer_stage(connection, HTTP_STAGE_BETWEEN);
    if (st == NULL) {
        return;
    }
    if (st->counted > 0) {
        atomic_fetch_sub(&s->in_flight[st->counted - 1], 1);
    }
    double ms = dm_ms_since(st->began);
    const bool whole_head = st->connection != NULL;
    if (whole_head && (st->r.route == NULL || !(st->r.route->flags & HTTP_QUIET))) {
        dm_log(DM_LOG_INFO, "Request completed", DM_S("method", http_method_name(st->r.method)),
               DM_S("path", st->r.target != NULL ? st->r.target : ""),
               DM_I("status_code", st->status), DM_F("duration_ms", ms),
               DM_S("remote", st->r.remote), DM_S("correlation_id", st->correlation));
    }
    if (whole_head && s->app->done != NULL) {
        s->app->done(&st->r, st->status, st->error_class, ms);
    }
    http_state_free(st);
    *con_cls = NULL;
}

/* Paths and queries are decoded by this room, which refuses what it cannot. */
static size_t keep_escapes(void *cls, struct MHD_Connection *connection, char *s)
{
    (void)cls;
    (void)connection;
    return strlen(s);
}

/* ---- start and stop ---- */

static int listen_address(const struct http_options *o, struct sockaddr_storage *ret,
                          struct dm_err *e)
{
    char port[8];
    (void)snprintf(port, sizeof(port), "%d", o->port);
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICHOST};
    struct addrinfo *list = NULL;
    const char *host = o->host != NULL ? o->host : "127.0.0.1";
    if (strcmp(host, "localhost") == 0) {
        host = "127.0.0.1";
    }
    if (getaddrinfo(host, port, &hints, &list) != 0) {
        DM_FAIL(e, DM_EUSAGE, "%s is not an address to listen on; write a number like 0.0.0.0",
                host);
    }
    memcpy(ret, list->ai_addr, list->ai_addrlen);
    int family = list->ai_family;
    freeaddrinfo(list);
    return family;
}

static void quiet_log(void *cls, const char *fmt, va_list ap)
{
    (void)cls;
    (void)fmt;
    (void)
        ap; /* what strangers send wrong is no news; our own faults are logged where they happen */
}

static int start_daemon(struct http_server *s, struct dm_err *e)
{
    const struct http_options *o = s->options;
    struct sockaddr_storage address = {0};
    int family = listen_address(o, &address, e);
    DM_TRY(family);
    unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME |
                     MHD_USE_ERROR_LOG | (family == AF_INET6 ? (unsigned)MHD_USE_IPv6 : 0U);
    int connections = o->connections_max > 0 ? o->connections_max : CONNECTIONS;
    struct MHD_OptionItem more[3] = {{MHD_OPTION_END, 0, NULL}};
    size_t n = 0;
    if (o->per_address_max > 0) {
        more[n++] =
            (struct MHD_OptionItem){MHD_OPTION_PER_IP_CONNECTION_LIMIT, o->per_address_max, NULL};
    }
    if (o->listen_fd > 0) {
        more[n++] = (struct MHD_OptionItem){MHD_OPTION_LISTEN_SOCKET, o->listen_fd, NULL};
    }
    more[n] = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
    s->daemon = MHD_start_daemon(
        flags, (uint16_t)o->port, NULL, NULL, on_request, s, MHD_OPTION_EXTERNAL_LOGGER, quiet_log,
        NULL, MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&address, MHD_OPTION_THREAD_POOL_SIZE,
        EVENT_THREADS, MHD_OPTION_CONNECTION_LIMIT, (unsigned)connections,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)LIMIT_HTTP_CONNECTION_BYTES, MHD_OPTION_LISTEN_BACKLOG_SIZE, (unsigned)BACKLOG,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_URI_LOG_CALLBACK, on_uri, s,
        MHD_OPTION_NOTIFY_COMPLETED, on_done, s, MHD_OPTION_NOTIFY_CONNECTION, http_peer_notify, s,
        MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL, MHD_OPTION_ARRAY, more, MHD_OPTION_END);
    if (s->daemon == NULL) {
        DM_FAIL(e, DM_EIO, "cannot listen on %s port %d: %s",
                o->host != NULL ? o->host : "127.0.0.1", o->port, strerror(errno));
    }
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_BIND_PORT);
    s->port = info != NULL ? info->port : o->port;
    return DM_OK;
}

static int start_pool(struct http_server *s, struct dm_err *e)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    int wanted = s->options->threads > 0 ? s->options->threads : (int)DM_MAX(4, 2 * cores);
    s->thread = dm_calloc((size_t)wanted, sizeof(*s->thread));
    if (s->thread == NULL) {
        DM_FAIL(e, DM_ENOMEM, "not enough memory for the server");
    }
    for (; s->threads < wanted; s->threads++) {
        if (pthread_create(&s->thread[s->threads], NULL, work, s) != 0) {
            DM_FAIL(e, DM_EIO, "cannot start the threads of the server");
        }
    }
    return DM_OK;
}

int http_server_start(const struct http_app *app, const struct http_options *o,
                      struct http_server **ret, struct dm_err *e)
{
    http_setup();
    struct http_server *s = dm_calloc(1, sizeof(*s));
    if (s == NULL) {
        DM_FAIL(e, DM_ENOMEM, "not enough memory for the server");
    }
    s->app = app;
    s->options = o;
    pthread_mutex_init(&s->lock, NULL);
    pthread_mutex_init(&s->peers_lock, NULL);
    pthread_cond_init(&s->work, NULL);
    pthread_cond_init(&s->idle, NULL);
    pthread_cond_init(&s->tick, NULL);
    pthread_cond_init(&s->pull, NULL);
    int rc = http_router_new(app, &s->router, e);
    rc = rc < 0 ? rc : http_kept_new(&s->kept, e);
    rc = rc < 0 ? rc : start_pool(s, e);
    rc = rc < 0 ? rc : http_streams_start(s, e);
    rc = rc < 0 ? rc : start_daemon(s, e);
    if (rc < 0) {
        http_server_stop(s);
        return rc;
    }
    *ret = s;
    return DM_OK;
}

int http_server_port(const struct http_server *s)
{
    return s->port;
}

int http_server_drain(struct http_server *s, int wait_ms)
{
    if (s->daemon != NULL) {
        MHD_socket listening = MHD_quiesce_daemon(s->daemon);
        if (listening != MHD_INVALID_SOCKET) {
            (void)close(listening);
        }
    }
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += wait_ms / 1000;
    until.tv_nsec += (long)(wait_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&s->lock);
    s->draining = true;
    pthread_cond_broadcast(&s->tick);
    int rc = 0;
    while ((s->running > 0 || s->first != NULL) && rc == 0) {
        rc = pthread_cond_timedwait(&s->idle, &s->lock, &until);
    }
    bool done = s->running == 0 && s->first == NULL;
    pthread_mutex_unlock(&s->lock);
    return done;
}

void http_server_stop(struct http_server *s)
{
    if (s == NULL) {
        return;
    }
    pthread_mutex_lock(&s->lock);
    s->draining = true;
    /* libmicrohttpd must not be stopped while connections are suspended. */
    while (s->running > 0 || s->first != NULL) {
        pthread_cond_wait(&s->idle, &s->lock);
    }
    s->stopping = true;
    pthread_cond_broadcast(&s->work);
    pthread_mutex_unlock(&s->lock);
    http_streams_stop(s);
    if (s->daemon != NULL) {
        MHD_stop_daemon(s->daemon);
    }
    for (int i = 0; i < s->threads; i++) {
        (void)pthread_join(s->thread[i], NULL);
    }
    http_router_free(s->router);
    http_kept_free(s->kept);
    json_decref(s->document);
    pthread_mutex_destroy(&s->lock);
    pthread_mutex_destroy(&s->peers_lock);
    pthread_cond_destroy(&s->work);
    pthread_cond_destroy(&s->idle);
    pthread_cond_destroy(&s->tick);
    pthread_cond_destroy(&s->pull);
    dm_free(s->thread);
    dm_free(s);
}
