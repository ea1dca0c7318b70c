/* SPDX-License-Identifier: Apache-2.0
 *
 * An HTTP/1.1 server made of a table of routes. It knows no nursery word: who may call what, where
 * files go and what an error is called come in as hooks of struct http_app.
 *
 *   static int get_thing(struct http_request *r, struct dm_err *e)
 *   {
 *       json_t *thing = NULL;
 *       DM_TRY(thing_read(r->app, http_int(r->path, "thing_id", 0), &thing, e));
 *       return http_reply_json(r, 200, thing, e);
 *   }
 *   const struct http_route thing_routes[] = {
 *       {HTTP_GET, "/api/v1/things/{thing_id}", "get_thing", "things", "One thing", .role = VIEWER,
 *        .answer = {{200, &Thing}}, .errors = "404", .handle = get_thing},
 *       {0},
 *   };
 *
 * A request's way: path and method find the row; `guard` says who calls (before a body is read);
 * path, query and body are taken apart by their tables (422 with all faults at once); `handle` runs
 * on a thread of the pool and gives exactly one reply, or returns a negative code, which becomes
 * the error body of api.md 1.5. */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <jansson.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "http/schema.h"

/* ---- routes ---- */

enum http_method {
    HTTP_GET = 1, /* HEAD as well */
    HTTP_POST = 2,
    HTTP_PUT = 4,
    HTTP_PATCH = 8,
    HTTP_DELETE = 16,
};

enum http_route_flag {
    HTTP_IDEMPOTENT = 1,      /* an Idempotency-Key is honoured */
    HTTP_BULK = 2,            /* JSON body up to LIMIT_HTTP_BULK_BYTES */
    HTTP_NO_STORE = 4,        /* Cache-Control: no-store */
    HTTP_ETAG = 8,            /* GET: weak ETag over the body, If-None-Match */
    HTTP_IF_MATCH = 16,       /* writes: If-Match against the ETag of GET on the same path */
    HTTP_BODY_OPTIONAL = 32,  /* no body counts as {} */
    HTTP_HIDDEN = 64,         /* not in openapi.json (aliases) */
    HTTP_INLINE = 128,        /* answered on the event thread: never blocks (health) */
    HTTP_QUIET = 256,         /* not in the access log and the metrics (health, metrics) */
    HTTP_OPEN_REPLY = 512,    /* the reply is not JSON of a schema: bytes, a file, a stream */
    HTTP_RAW_BODY = 1024,     /* the body goes to `raw` as it comes (resumable uploads) */
    HTTP_PAGED = 2048,        /* adds page and per_page; see http_page */
    HTTP_OFFSET = 4096,       /* adds skip and limit; see http_offset */
    HTTP_FORM_OR_JSON = 8192, /* multipart and JSON are both taken */
    HTTP_KEPT = 16384,        /* GET: follows from its address and http_app.state alone */
};

/* "GET"; "OTHER" for what no route has. */
const char *http_method_name(enum http_method m);

struct http_request;
struct http_file;
typedef int (*http_handler)(struct http_request *r, struct dm_err *e);

/* Where the files of a multipart body go while they arrive. Zeroed: to unnamed files of the spool
 * folder, hashed. */
struct http_file_ops {
    /* f->field, filename, type and index are known. A negative code refuses this file alone: it is
     * kept in f->refused, its bytes are skipped. */
    int (*begin)(struct http_request *r, struct http_file *f, struct dm_err *e);
    int (*write)(struct http_request *r, struct http_file *f, const void *bytes, size_t n,
                 struct dm_err *e);
    int (*end)(struct http_request *r, struct http_file *f, struct dm_err *e);
    void (*free)(struct http_file *f); /* f->own, whether it was used or not */
};

struct http_file {
    const char *field, *filename, *type; /* as the sender says; "" for none */
    size_t index;                        /* among the files of the request */
    int64_t bytes;
    int fd;          /* positioned at 0 when the handler runs; -1 with ops of the route's own */
    char sha256[65]; /* hex; "" with ops of the route's own */
    void *own;       /* of the ops */
    struct dm_err refused; /* code DM_OK when it was taken */
};

struct http_answer {
    int status;                       /* 0 ends the list */
    const struct http_schema *schema; /* NULL: no JSON, or any */
    bool list;                        /* array of schema */
    const char *type;                 /* media type when not JSON: "text/csv" */
    const char *member;               /* of the rows of a page (HTTP_PAGED); NULL: "items" */
};

struct http_route {
    unsigned methods; /* enum http_method */
    const char *path; /* "/api/v1/products/{sku}"; NULL ends a table */
    const char *name; /* operation id, unique */
    const char *tag, *summary;
    int role;                        /* for the guard; meaning is the app's, but for 0: anybody */
    unsigned flags;                  /* enum http_route_flag */
    const struct http_field *params; /* of the path; one that is not listed is an integer id */
    const struct http_field *query;
    const struct http_field *form;  /* multipart/form-data instead of JSON */
    const struct http_schema *body; /* JSON; a list of it with body_list */
    bool body_list;
    int64_t body_max; /* bytes of a multipart body; 0: LIMIT_HTTP_FORM_BYTES */
    const struct http_file_ops *files;
    struct http_answer answer[4];
    const char *errors; /* "404 409": besides 401 403 422 429 500 503 */
    const char *about;  /* further words for the documentation */
    http_handler handle;
    http_handler options; /* adds header fields to the answer of OPTIONS; NULL: none */
    const void *own;      /* of the handler: what this row is about, when it serves many */
    int (*raw)(struct http_request *r, const void *bytes, size_t n, struct dm_err *e);
};

/* ---- requests ---- */

struct http_request {
    const struct http_route *route;
    enum http_method method;
    const char *target;         /* path as it came, without the query */
    const char *correlation_id; /* checked; never empty */
    const char *remote;         /* address of the client behind trusted proxies */
    bool secure;                /* https, said by a trusted proxy */
    void *app;                  /* http_app.ctx */
    void *caller;               /* set by the guard, freed by http_app.forget */
    void *work;                 /* of the route's raw and handle; freed with work_free at the end */
    void (*work_free)(void *work);
    json_t *path, *query;   /* objects, taken by their tables */
    json_t *body;           /* object or array; NULL without */
    json_t *form;           /* object; NULL without */
    struct http_file *file; /* [n_file] */
    size_t n_file;
    const char *body_sha256;  /* hex of a JSON body's bytes, or of nothing */
    struct dm_arena *arena;   /* lives as long as the request */
    struct http_state *state; /* private */
};

/* Header and cookie as they came, NULL for none; borrowed. */
const char *http_header(const struct http_request *r, const char *name);
const char *http_cookie(const struct http_request *r, const char *name);
/* A value of the query with its escapes, for whoever asks before the query is taken apart. */
const char *http_query_raw(const struct http_request *r, const char *name);

/* Skip and limit of a route with HTTP_OFFSET; page of one with HTTP_PAGED. */
struct http_slice {
    int64_t skip, limit;
    int64_t page, per_page; /* 0 for HTTP_OFFSET */
};
struct http_slice http_slice(const struct http_request *r);

/* ---- replies: one of these, last; json is taken also on failure ---- */

int http_reply_json(struct http_request *r, int status, json_t *json, struct dm_err *e);
/* A bare array with X-Total-Count (HTTP_OFFSET). */
int http_reply_list(struct http_request *r, json_t *rows, int64_t total, struct dm_err *e);
/* {member: rows, "pagination": {...}} (HTTP_PAGED). */
int http_reply_page(struct http_request *r, const char *member, json_t *rows, int64_t total,
                    struct dm_err *e);
/* Bytes are copied. filename NULL: shown, not downloaded. */
int http_reply_bytes(struct http_request *r, int status, const char *type, const char *filename,
                     const void *bytes, size_t n, struct dm_err *e);
/* The rest of an open file, which is closed; ranges are honoured. */
int http_reply_file(struct http_request *r, int status, const char *type, const char *filename,
                    int fd, struct dm_err *e);
int http_reply_empty(struct http_request *r, int status, struct dm_err *e);
/* 302, 303, 307 with Location. */
int http_reply_redirect(struct http_request *r, int status, const char *location, struct dm_err *e);

/* A further header of the reply, any time before it. DM_ELIMIT above 16. */
int http_reply_header(struct http_request *r, const char *name, const char *value,
                      struct dm_err *e);

/* Server-sent events. pull is called on a thread of the streams' own (it may look into the
 * database) when the stream begins and every HTTP_STREAM_TICK_MS, as soon as the client has taken
 * what it had; it appends whole frames to out (nothing: fine) and returns 1 to go on, 0 to end.
 * free_ctx is called once at the end, and not at all when this fails. */
#define HTTP_STREAM_TICK_MS 1000
typedef int (*http_pull_fn)(void *ctx, struct dm_buf *out);
int http_reply_stream(struct http_request *r, const char *type, http_pull_fn pull, void *ctx,
                      void (*free_ctx)(void *ctx), struct dm_err *e);

/* ---- the server ---- */

/* Another name for paths that no route has with the request's method: `from` and what follows it is
 * looked up as `to` and that. A `from` that ends with '/' wants something to follow. The first that
 * fits counts. */
struct http_alias {
    const char *from, *to;
};

/* An answer as it is kept: of the fields those that the handler added. */
struct http_kept {
    int status;
    const char *body, *fields; /* JSON; an object of texts, NULL: none */
};

/* What the program brings. All hooks but classify may be NULL. */
#define HTTP_STATE_SIZE 320
#define HTTP_KEPT_MS    1000
struct http_app {
    void *ctx;
    const struct http_route *const *tables; /* NULL-ended */
    const struct http_alias *alias;         /* from NULL ends; NULL: none */
    const char *title, *version;            /* of the document */
    /* Who calls, and may he? Before a body is read. Fills r->caller. */
    int (*guard)(struct http_request *r, struct dm_err *e);
    void (*forget)(void *caller);
    /* Codes its routes may answer with, ended by 0: examples of the document. */
    const int *codes;
    /* What the document calls a role (NULL: not named). Role 0 is anybody. */
    const char *(*role_name)(int role);
    /* Class ("NotFoundException") and rule ("HAS_STOCK", NULL for none) of an error code. */
    void (*classify)(int code, const char **ret_class, const char **ret_rule);
    /* The text a person reads, in the language the request asks for; NULL: as it is. */
    const char *(*translate)(const struct http_request *r, const struct dm_err *e);
    /* Idempotency-Key: 1 = *ret is to be repeated, in the arena. */
    int (*replay)(struct http_request *r, const char *key, struct http_kept *ret, struct dm_err *e);
    /* The answer of a request whose key replay did not know; NULL: it was refused. */
    int (*keep)(struct http_request *r, const char *key, const struct http_kept *reply,
                struct dm_err *e);
    /* The request is answered, its span still the current one (telemetry/span.h): who called. */
    void (*trace)(const struct http_request *r);
    /* What the answer to a GET with HTTP_KEPT depends on besides its address: as long as the text
     * is the same, the answer is given again, for HTTP_KEPT_MS at most. Answers are kept side by
     * side for what stands before the first blank (who asks) and replace each other for what stands
     * behind (what is known). "": nobody knows; nothing is kept. On a thread of the pool. */
    void (*state)(struct http_request *r, char ret[static HTTP_STATE_SIZE]);
    /* Each request at its end (route NULL: there is none; status 0: the client left first). On an
     * event thread: never blocks. */
    void (*done)(const struct http_request *r, int status, const char *error_class, double ms);
};

struct http_options {
    const char *host; /* NULL: 127.0.0.1 */
    int port;         /* 0: any free one; see http_server_port */
    int listen_fd;    /* a socket that listens already (socket activation); 0: none */
    int threads;      /* that run handlers; 0: two for each core, at least four */
    int connections_max, per_address_max;   /* 0: 1024; no bound */
    int header_timeout_ms, body_timeout_ms; /* 0: 10 s for a head; 30 s for 8 KiB of a body */
    const char *spool;                      /* folder for files on their way; NULL: /tmp */
    const char *const *cors_origins;        /* NULL-ended; NULL: off */
    const char *const *trusted_proxies;     /* CIDRs, NULL-ended; NULL: none */
    const char *base_path;                  /* prefix that a proxy leaves on; NULL: "" */
    bool check_replies; /* a reply that breaks its schema becomes a 500 (tests) */
    bool debug;         /* errors carry `extra` */
    bool docs;          /* /docs, /redoc, /openapi.json */
};

struct http_server;

/* Listen. DM_EIO when the address is taken, DM_EUSAGE when a table contradicts itself (two equal
 * routes, an unknown path parameter, a bad pattern). Both structs and their tables stay borrowed.
 */
DM_MUST_CHECK int http_server_start(const struct http_app *app, const struct http_options *o,
                                    struct http_server **ret, struct dm_err *e);
int http_server_port(const struct http_server *s);
/* What is going on now, for metrics. Any thread. */
enum { HTTP_LOAD_METHODS = 6 };
struct http_load {
    struct {
        const char *method;
        int n; /* requests from their head to their last byte */
    } in_flight[HTTP_LOAD_METHODS];
    int streams;
};
void http_server_load(struct http_server *s, struct http_load *ret);
/* No new connections; requests under way have wait_ms. 1 when all were done. */
int http_server_drain(struct http_server *s, int wait_ms);
/* Drains for no time, ends streams, joins all threads. Accepts NULL. */
void http_server_stop(struct http_server *s);

/* OpenAPI 3.1 of the tables. New reference; NULL when out of memory. */
json_t *http_openapi(const struct http_app *app);

/* /openapi.json, /docs and /redoc: a table for http_app.tables. 404 unless http_options.docs. */
extern const struct http_route http_docs_routes[];

/* Every route of every table in order; *i counts, NULL ends. */
const struct http_route *http_each_route(const struct http_app *app, size_t *i);

/* The error body of api.md 1.5 for an error. New reference; NULL when out of memory. */
json_t *http_problem(const struct http_app *app, const struct http_request *r,
                     const struct dm_err *err, const json_t *issues, bool debug);

#endif
