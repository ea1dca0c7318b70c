/* SPDX-License-Identifier: Apache-2.0
 *
 * Who calls, and may he: before the body of a request is read. And requests that come twice. */
#include <string.h>
#include <strings.h>

#include "api/api_priv.h"
#include "base/alloc.h"
#include "base/hash.h"
#include "inventory/json.h"
#include "store/store.h"
#include "telemetry/span.h"

/* ---- the caller ------------------------------------------------------------------------------ */

/* The token of "Authorization: Bearer TOKEN", NULL without such a header. */
static const char *bearer(const struct http_request *r)
{
    const char *header = http_header(r, "Authorization");
    if (!header || strncasecmp(header, "Bearer ", 7) != 0) {
        return NULL;
    }
    return header + 7 + strspn(header + 7, " ");
}

static int caller_new(struct http_request *r, struct api_caller **ret, struct dm_err *e)
{
    struct api *api = r->app;
    struct api_caller *c = dm_calloc(1, sizeof(*c));
    if (!c) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a request");
    }
    const int code = api_ground_take(api, &c->ground, e);
    if (code < 0) {
        dm_free(c);
        return code;
    }
    c->api = api;
    (void)snprintf(c->request_id, sizeof(c->request_id), "%s", r->correlation_id);
    (void)snprintf(c->remote, sizeof(c->remote), "%s", r->remote ? r->remote : "");
    c->ctx = (struct inv_ctx){
        .store = api->o.store,
        .role = INV_VIEWER,
        .now_ms = store_now(),
        .zone = c->ground->zone,
        .settings = &c->ground->settings,
        .request_id = c->request_id,
        .remote_address = c->remote[0] ? c->remote : NULL,
    };
    c->who.role = INV_ROLE_MAX_;
    *ret = c;
    return DM_OK;
}

void api_forget(void *caller)
{
    struct api_caller *c = caller;
    if (c) {
        api_ground_give(c->api, c->ground);
        dm_free(c);
    }
}

/* ---- may he ---------------------------------------------------------------------------------- */

/* What a script's token must have been made for: reading is one scope, the rest goes by resource.
 * What is not listed is TOKEN_MANAGE; what looks after the account itself is for people alone. */
static const struct {
    const char *tag;
    unsigned scope;
} scopes[] = {
    {"analytics", TOKEN_READ}, {"exports", TOKEN_READ},         {"jobs", TOKEN_PHOTOS},
    {"photos", TOKEN_PHOTOS},  {"reconciliation", TOKEN_STOCK}, {"stock", TOKEN_STOCK},
    {"uploads", TOKEN_PHOTOS},
};

static unsigned scope_of(const struct http_request *r)
{
    if (r->method == HTTP_GET) {
        return TOKEN_READ;
    }
    for (size_t i = 0; i < DM_COUNT(scopes); i++) {
        if (r->route->tag && !strcmp(r->route->tag, scopes[i].tag)) {
            return scopes[i].scope;
        }
    }
    return TOKEN_MANAGE;
}

static int refuse(struct dm_err *e, const char *why, const char *name, const char *value)
{
    DM_REFUSE(e, INV_FORBIDDEN, DM_FIELDS(DM_S(name, value)), "%s", why);
}

static int permit(const struct http_request *r, const struct principal *p, struct dm_err *e)
{
    const int needed = r->route->role & API_ROLE_MASK;
    if (p->kind == PRINCIPAL_TOKEN) {
        if (needed == API_ANY && r->method != HTTP_GET) {
            return refuse(e, "an API token cannot change the account", "action", "account");
        }
        if (!(p->scopes & scope_of(r))) {
            return refuse(e, "the API token was not made for this", "action", "scope");
        }
    }
    if (needed == API_ANY) {
        return DM_OK;
    }
    if (p->must_change) {
        return refuse(e, "choose a password of your own first", "action", "change-password");
    }
    if (p->role == INV_ROLE_MAX_ || (int)p->role < needed - API_VIEWER) {
        return refuse(e, "your role does not allow this", "required_role",
                      inv_role_names[needed - API_VIEWER]);
    }
    return DM_OK;
}

_Static_assert(API_ADMIN - API_VIEWER == INV_ADMIN - INV_VIEWER, "roles in the same order");

static void become(struct api_caller *c, const struct principal *p)
{
    c->who = *p;
    c->ctx.user_id = p->user_id;
    c->ctx.role = p->role == INV_ROLE_MAX_ ? INV_VIEWER : p->role;
}

static int identify(struct http_request *r, struct api_caller *c, struct dm_err *e)
{
    struct api *api = r->app;
    struct principal p;
    const char *token = bearer(r);
    if (token) {
        const int code = sign_in_check(api->o.sign_in, &c->ctx, token, &p, e);
        if (code == DM_EIO && sign_in_oidc(api->o.sign_in) &&
            !oidc_healthy(sign_in_oidc(api->o.sign_in))) {
            DM_FAIL(e, API_EISSUER_AWAY, "the identity provider cannot be reached");
        }
        DM_TRY(code);
    } else {
        if ((r->route->role & API_TICKET) && !http_header(r, "Authorization")) {
            return DM_OK; /* api_ticket decides */
        }
        if ((r->route->role & API_ROLE_MASK) == API_ANY) {
            return jwt_refuse("missing", e);
        }
        DM_TRY(sign_in_nobody(api->o.sign_in, &c->ctx, &p, e));
    }
    become(c, &p);
    return permit(r, &p, e);
}

int api_guard(struct http_request *r, struct dm_err *e)
{
    struct api_caller *c = NULL;
    if (r->route->flags & HTTP_INLINE) { /* touches nothing, not even settings */
        return DM_OK;
    }
    DM_TRY(caller_new(r, &c, e));
    r->caller = c;
    if ((r->route->role & API_ROLE_MASK) == API_OPEN) {
        return DM_OK;
    }
    return identify(r, c, e);
}

void api_trace(const struct http_request *r)
{
    const struct api_caller *c = r->caller;
    if (c && c->who.kind != PRINCIPAL_NOBODY) {
        telemetry_span_int(telemetry_span_current(), "enduser.id", c->who.user_id);
        telemetry_span_str(telemetry_span_current(), "enduser.role",
                           c->who.role < INV_ROLE_MAX_ ? inv_role_names[c->who.role] : NULL);
    }
}

/* Money is hidden from some roles, and settings go into figures. */
void api_state(struct http_request *r, char ret[static HTTP_STATE_SIZE])
{
    const struct api_caller *c = r->caller;
    char data[STORE_STATE_SIZE];
    store_state(c->api->o.store, data);
    ret[0] = '\0';
    if (data[0]) {
        (void)snprintf(ret, HTTP_STATE_SIZE, "%d %llx %s", (int)c->ctx.role,
                       (unsigned long long)c->ground->read_at, data);
    }
}

int api_ticket(struct http_request *r, struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    struct api_caller *c = r->caller;
    struct api *api = r->app;
    const char *ticket = http_str(r->query, "ticket");
    struct principal p = {.kind = PRINCIPAL_LOCAL, .scopes = TOKEN_ALL};
    struct user u;
    if (c->who.kind != PRINCIPAL_NOBODY) {
        return DM_OK;
    }
    if (!ticket) {
        DM_TRY(sign_in_nobody(api->o.sign_in, &c->ctx, &p, e));
        become(c, &p);
        return permit(r, &p, e);
    }
    DM_TRY(link_ticket_use(&c->ctx, ticket, r->target, &p.user_id, e));
    DM_TRY(user_get(&c->ctx, p.user_id, &a, &u, e));
    if (!u.active) {
        return jwt_refuse("inactive_user", e);
    }
    p.role = u.role;
    p.must_change = u.must_change_password;
    (void)snprintf(p.email, sizeof(p.email), "%s", u.email);
    become(c, &p);
    return permit(r, &p, e);
}

/* ---- requests that come twice ---------------------------------------------------------------- */

static int digest(const struct http_request *r, char ret[static DM_SHA256_HEX_SIZE],
                  struct dm_err *e)
{
    const char *text = dm_arena_printf(r->arena, "%d %s %s", (int)r->method, r->target,
                                       r->body_sha256 ? r->body_sha256 : "");
    if (!text) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a request");
    }
    dm_sha256_hex(text, strlen(text), ret);
    return DM_OK;
}

int api_replay(struct http_request *r, const char *key, struct http_kept *ret, struct dm_err *e)
{
    char sha[DM_SHA256_HEX_SIZE];
    struct inv_reply reply;
    DM_TRY(digest(r, sha, e));
    const int seen = inv_repeat_begin(api_ctx(r), key, sha, r->arena, &reply, e);
    if (seen > 0) {
        *ret = (struct http_kept){reply.status, reply.body, reply.fields};
    }
    return seen;
}

/* An answer as it may lie in the database: what is shown once is not kept. In the arena. */
static int without_secrets(struct http_request *r, const char *body, const char **ret,
                           struct dm_err *e)
{
    static const char *const once[] = {"invite_url", "token", "temporary_password"};
    json_t *o = json_loads(body, JSON_DECODE_ANY, NULL);
    for (size_t i = 0; json_is_object(o) && i < DM_COUNT(once); i++) {
        (void)json_object_del(o, once[i]);
    }
    const int code = o ? inv_json_text(o, r->arena, ret, e) : DM_OK;
    *ret = o ? *ret : body;
    json_decref(o);
    return code;
}

/* What was refused (no reply) or went wrong here is not kept: the same request may go well a minute
 * later. */
int api_keep(struct http_request *r, const char *key, const struct http_kept *reply,
             struct dm_err *e)
{
    char sha[DM_SHA256_HEX_SIZE];
    const bool kept = reply && reply->status < 500;
    struct inv_reply row = {0};
    DM_TRY(digest(r, sha, e));
    if (kept) {
        row.status = reply->status;
        row.fields = reply->fields;
        DM_TRY(without_secrets(r, reply->body, &row.body, e));
    }
    return inv_repeat_end(api_ctx(r), key, sha, kept ? &row : NULL, e);
}
