/* SPDX-License-Identifier: Apache-2.0
 *
 * Between the files of the server. */
#ifndef HTTP_SERVER_PRIV_H
#define HTTP_SERVER_PRIV_H

#include <netinet/in.h>
#include <pthread.h>

#include <microhttpd.h>

#include "base/clock.h"
#include "http/http.h"
#include "http/problem.h"
#include "http/router.h"

/* Where a request stands. The event thread moves it on; STARTED..RUNNING happen on the pool while
 * the connection is suspended. */
enum http_phase {
    HTTP_HEAD,     /* header fields are here */
    HTTP_GUARDING, /* on the pool: who calls */
    HTTP_BODY,     /* bytes of the body come in */
    HTTP_RUNNING,  /* on the pool: guard when there was no body, taking apart, handler */
    HTTP_READY,    /* the response can be queued */
};

enum { HTTP_HEADERS_MAX = 16 };

struct http_form; /* multipart body on its way */

struct http_state {
    struct http_request r;
    struct http_server *server;
    struct MHD_Connection *connection; /* NULL inside a request of our own */
    struct dm_arena arena;
    enum http_phase phase;
    dm_usec began;
    const char *uri; /* as it came, with the query */
    struct http_match match;
    bool head; /* HEAD: a GET without its body */
    bool guarded;
    bool close; /* nothing more is read from this connection */
    struct dm_buf body;
    struct http_form *form;
    bool drop_body; /* an error is ready; what still comes is thrown away */
    int64_t body_bytes;
    char remote[INET6_ADDRSTRLEN], correlation[132], body_sha256[65];
    /* the reply */
    int status;
    struct MHD_Response *response;
    json_t *json; /* of a reply of JSON, until it is sent: for checks, ETag, keeping */
    const char *error_class;
    struct {
        const char *name, *value;
    } header[HTTP_HEADERS_MAX];
    size_t n_header;
    const char *idempotency_key;
    char *keep_as; /* HTTP_KEPT: the key under which the reply will be kept; in the arena */
    struct http_state *next; /* in the queue of the pool */
    unsigned counted;        /* place in in_flight and 1; 0: not yet */
};

struct http_server {
    json_t *document; /* text of openapi.json, under lock; NULL until somebody asks */
    const struct http_app *app;
    const struct http_options *options;
    struct http_router *router;
    struct http_kept_answers *kept;
    struct MHD_Daemon *daemon;
    int port;
    /* pool that runs guards and handlers */
    pthread_mutex_t lock;
    pthread_cond_t work, idle;
    struct http_state *first, *last; /* waiting */
    int running, threads;
    pthread_t *thread;
    bool stopping, draining;
    pthread_mutex_t peers_lock;
    struct http_peer *peers; /* connections that are open */
    _Atomic int in_flight[HTTP_LOAD_METHODS];
    /* event streams */
    struct http_stream *streams;
    int n_streams;
    pthread_t ticker, puller;
    pthread_cond_t tick, pull;
    bool has_ticker, has_puller;
};

/* ---- request.c ---- */

/* Address, correlation id, method, route; limits that need no body. A negative code is the
 * refusal. */
DM_MUST_CHECK int http_request_head(struct http_state *st, const char *method, struct dm_err *e);
/* After the guard: whether the body is of a size and type that the route takes. */
DM_MUST_CHECK int http_request_body(struct http_state *st, struct dm_err *e);
/* Path, query and body by their tables. DM_OK, or HTTP_E_INVALID with faults in *ret_issues. */
DM_MUST_CHECK int http_request_take(struct http_state *st, json_t **ret_issues, struct dm_err *e);
/* skip and limit, or page and per_page, that the flags of a route add; NULL: none. */
const struct http_field *http_slice_fields(const struct http_route *route);
/* Whether the head announces a body. */
bool http_has_body(const struct http_state *st);
/* Most bytes of this request's body. */
int64_t http_body_max(const struct http_route *route);

/* ---- form.c ---- */

DM_MUST_CHECK int http_form_begin(struct http_state *st, struct dm_err *e);
DM_MUST_CHECK int http_form_feed(struct http_state *st, const char *bytes, size_t n,
                                 struct dm_err *e);
/* All parts are here; pairs of text fields, new reference. */
DM_MUST_CHECK int http_form_end(struct http_state *st, json_t **ret_pairs, struct dm_err *e);
void http_form_free(struct http_state *st);

/* ---- reply.c ---- */

/* Turn an error into the reply, instead of one that was given before. */
void http_reply_problem(struct http_state *st, const struct dm_err *err, const json_t *issues);
/* After the handler: schema, ETag, idempotency; makes the response of JSON replies. */
void http_reply_finish(struct http_state *st);
/* Header Allow: the methods of the path. */
void http_reply_allow(struct http_state *st);
/* Header fields that every response has; queues it. */
enum MHD_Result http_reply_queue(struct http_state *st);
void http_reply_drop(struct http_state *st);
/* Weak ETag of a JSON reply, and whether If-Match of the request takes it. */
DM_MUST_CHECK int http_etag_of(const json_t *json, char ret[static 40], struct dm_err *e);
bool http_if_match(const struct http_request *r, const char *tag);

/* ---- run.c ---- */

/* Guard, take apart, handle, finish: the whole of a request on the calling thread. */
void http_run(struct http_state *st);
void http_run_guard(struct http_state *st);
struct http_state *http_state_new(struct http_server *s, const char *uri);
void http_state_free(struct http_state *st);

bool http_takes_gzip(const struct http_request *r);
/* Whether a list of entity tags has this one (weak comparison), or is "*". */
bool http_tag_listed(const char *list, const char *tag);

/* ---- kept.c: answers that are given again ---- */

DM_MUST_CHECK int http_kept_new(struct http_kept_answers **ret, struct dm_err *e);
void http_kept_free(struct http_kept_answers *a); /* accepts NULL */
/* The reply of this request from before: 1. 0: there is none; the reply that will be made is to be
 * given to http_kept_put, when st->keep_as is set. */
int http_kept_take(struct http_state *st);
/* The finished JSON reply of st: bytes are copied. Nothing happens without keep_as, and when there
 * is no room. */
void http_kept_put(struct http_state *st, const void *bytes, size_t n, bool packed);

/* ---- stream.c ---- */

DM_MUST_CHECK int http_streams_start(struct http_server *s, struct dm_err *e);
void http_streams_stop(struct http_server *s);

/* ---- framing.c ---- */

/* Whether it is beyond doubt where the request ends; else the connection closes after the answer.
 */
DM_MUST_CHECK int http_framing_check(struct http_state *st, struct dm_err *e);

/* ---- peers.c: who is too slow ---- */

enum { HTTP_HEADER_MS = 10000, HTTP_BODY_MS = 30000 };
enum http_stage { HTTP_STAGE_HEAD, HTTP_STAGE_BODY, HTTP_STAGE_ANSWER, HTTP_STAGE_BETWEEN };
void http_peer_stage(struct MHD_Connection *c, enum http_stage stage);
void http_peer_bytes(struct MHD_Connection *c, size_t n);
void http_peer_notify(void *cls, struct MHD_Connection *c, void **socket_context,
                      enum MHD_ConnectionNotificationCode what);
void http_peers_check(struct http_server *s);

/* ---- problem.c, trust.c, openapi.c ---- */

int http_status_of(int code);
void http_class_of(const struct http_app *app, int code, const char **ret_class,
                   const char **ret_rule);
/* Whether address lies in one of the networks (NULL-ended, "10.0.0.0/8", "::1"). */
bool http_address_in(const char *const *networks, const char *address);

#endif
