/* SPDX-License-Identifier: Apache-2.0
 *
 * One request from its guard to its reply, on whatever thread calls. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "http/limits.h"
#include "http/schema_priv.h"
#include "http/server_priv.h"
#include "telemetry/span.h"

struct http_state *http_state_new(struct http_server *s, const char *uri)
{
    struct http_state *st = dm_calloc(1, sizeof(*st));
    if (st == NULL) {
        return NULL;
    }
    st->server = s;
    st->began = dm_now();
    st->r.state = st;
    st->r.arena = &st->arena;
    st->r.app = s->app->ctx;
    st->r.remote = "";
    st->r.correlation_id = "";
    st->r.body_sha256 = "";
    st->uri = dm_arena_strdup(&st->arena, uri);
    if (st->uri == NULL) {
        http_state_free(st);
        return NULL;
    }
    return st;
}

void http_state_free(struct http_state *st)
{
    if (st == NULL) {
        return;
    }
    http_reply_drop(st);
    if (st->r.work != NULL) {
        st->r.work_free(st->r.work);
    }
    if (st->r.route != NULL) {
        http_form_free(st);
    }
    if (st->r.caller != NULL && st->server->app->forget != NULL) {
        st->server->app->forget(st->r.caller);
    }
    json_decref(st->r.path);
    json_decref(st->r.query);
    json_decref(st->r.body);
    json_decref(st->r.form);
    dm_buf_clear(&st->body);
    dm_arena_clear(&st->arena);
    dm_free(st);
}

void http_run_guard(struct http_state *st)
{
    struct dm_err err = {0};
    st->guarded = true;
    if (st->server->app->guard != NULL && st->server->app->guard(&st->r, &err) < 0) {
        http_reply_problem(st, &err, NULL);
    }
}

/* ETag of GET on the same path, as the same caller. "": there is no such thing. */
static int current_etag(struct http_state *st, char ret[static 40], struct dm_err *e)
{
    ret[0] = '\0';
    struct http_state *in = http_state_new(st->server, st->uri);
    if (in == NULL) {
        DM_FAIL(e, DM_ENOMEM, "not enough memory for a request");
    }
    http_router_find(st->server->router, st->r.target, HTTP_GET, &in->arena, &in->match);
    in->r.route = in->match.route;
    in->r.method = HTTP_GET;
    in->r.target = st->r.target;
    in->r.correlation_id = st->r.correlation_id;
    in->r.remote = st->r.remote;
    in->r.caller = st->r.caller;
    DM_CLEANUP(http_json_freep) json_t *issues = NULL;
    struct dm_err ignored = {0};
    int rc = DM_OK;
    if (in->r.route != NULL && http_request_take(in, &issues, &ignored) >= 0 &&
        in->r.route->handle(&in->r, &ignored) >= 0 && in->json != NULL) {
        rc = http_etag_of(in->json, ret, e);
    }
    in->r.caller = NULL; /* it is the outer request's */
    http_state_free(in);
    return rc;
}

static int check_preconditions(struct http_state *st, struct dm_err *e)
{
    if (!(st->r.route->flags & HTTP_IF_MATCH) || http_header(&st->r, "If-Match") == NULL) {
        return DM_OK;
    }
    char tag[40];
    DM_TRY(current_etag(st, tag, e));
    if (tag[0] == '\0' || !http_if_match(&st->r, tag)) {
        DM_REFUSE(e, HTTP_E_PRECONDITION, DM_FIELDS(DM_S("etag", tag)),
                  "it was changed since you read it; read it again");
    }
    return DM_OK;
}

/* Fields of the answer given before: Location, and what else its handler said. */
static int add_kept_fields(struct http_state *st, const char *fields, struct dm_err *e)
{
    DM_CLEANUP(http_json_freep) json_t *o = fields ? json_loads(fields, 0, NULL) : NULL;
    const char *name;
    json_t *value;
    json_object_foreach(o, name, value)
    {
        const char *lasting = dm_arena_strdup(&st->arena, name);
        const char *text = json_string_value(value);
        if (lasting == NULL) {
            DM_FAIL(e, DM_ENOMEM, "not enough memory for a reply");
        }
        DM_TRY(http_reply_header(&st->r, lasting, text != NULL ? text : "", e));
    }
    return DM_OK;
}

/* 1: the answer given before is the reply. */
static int replay(struct http_state *st, struct dm_err *e)
{
    const char *key = http_header(&st->r, "Idempotency-Key");
    if (!(st->r.route->flags & HTTP_IDEMPOTENT) || key == NULL || st->server->app->replay == NULL) {
        return 0;
    }
    char *uuid = dm_arena_alloc(&st->arena, 37);
    if (uuid == NULL || !http_uuid_lower(key, uuid)) {
        DM_FAIL(e, HTTP_E_INVALID, "Idempotency-Key should be a UUID");
    }
    struct http_kept kept = {0};
    int seen = st->server->app->replay(&st->r, uuid, &kept, e);
    if (seen == 0) {
        st->idempotency_key = uuid;
    }
    if (seen <= 0) {
        return seen;
    }
    DM_TRY(http_reply_header(&st->r, "Idempotency-Replayed", "true", e));
    DM_TRY(add_kept_fields(st, kept.fields, e));
    DM_TRY(http_reply_bytes(&st->r, kept.status, "application/json", NULL, kept.body,
                            strlen(kept.body), e));
    return 1;
}

static int handle(struct http_state *st, json_t **ret_issues, struct dm_err *e)
{
    if (http_kept_take(st)) {
        return DM_OK;
    }
    DM_TRY(http_request_take(st, ret_issues, e));
    DM_TRY(check_preconditions(st, e));
    int seen = replay(st, e);
    DM_TRY(seen);
    return seen > 0 ? DM_OK : st->r.route->handle(&st->r, e);
}

static void answer(struct http_state *st)
{
    DM_CLEANUP(http_json_freep) json_t *issues = NULL;
    struct dm_err err = {0};
    if (!st->guarded) {
        http_run_guard(st);
        if (st->response != NULL) {
            return;
        }
    }
    if (handle(st, &issues, &err) < 0) {
        /* What was refused may be asked again under the same key. */
        http_reply_problem(st, &err, issues);
        if (st->idempotency_key != NULL && st->server->app->keep != NULL) {
            (void)st->server->app->keep(&st->r, st->idempotency_key, NULL, NULL);
        }
        return;
    }
    http_reply_finish(st);
}

/* The span of a request covers what came before it was handed to the pool, not the sending. */
void http_run(struct http_state *st)
{
    char name[160];
    struct telemetry_span span;
    const struct http_route *route = st->r.route;
    if (route->flags & HTTP_QUIET) {
        answer(st);
        return;
    }
    const char *method = http_method_name(st->r.method);
    (void)snprintf(name, sizeof(name), "%s %s", method, route->path);
    telemetry_span_remote(&span, TELEMETRY_SERVER, name, http_header(&st->r, "traceparent"),
                          http_header(&st->r, "tracestate"));
    telemetry_span_since(&span, dm_ms_since(st->began));
    telemetry_span_str(&span, "http.method", method);
    telemetry_span_str(&span, "http.route", route->path);
    telemetry_span_str(&span, "http.target", st->r.target);
    telemetry_span_str(&span, "http.scheme", st->r.secure ? "https" : "http");
    telemetry_span_str(&span, "http.host", http_header(&st->r, "Host"));
    telemetry_span_str(&span, "http.user_agent", http_header(&st->r, "User-Agent"));
    telemetry_span_str(&span, "net.peer.ip", st->r.remote);
    telemetry_span_int(&span, "net.host.port", st->server->port);
    telemetry_span_str(&span, "demeter.correlation_id", st->r.correlation_id);
    answer(st);
    if (span.kept && st->server->app->trace != NULL) {
        st->server->app->trace(&st->r);
    }
    telemetry_span_int(&span, "http.status_code", st->status);
    if (st->status >= 500) {
        telemetry_span_fail(&span, st->error_class);
    }
    telemetry_span_end(&span);
}
