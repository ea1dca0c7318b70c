/* SPDX-License-Identifier: Apache-2.0
 *
 * What handlers of all resources need. */
#include <string.h>

#include "api/api_priv.h"
#include "store/store.h"

struct api *api_of(const struct http_request *r)
{
    return r->app;
}

const struct inv_ctx *api_ctx(const struct http_request *r)
{
    const struct api_caller *c = r->caller;
    return &c->ctx;
}

const struct principal *api_who(const struct http_request *r)
{
    const struct api_caller *c = r->caller;
    return &c->who;
}

/* ---- the rest -------------------------------------------------------------------------------- */

int api_author(const struct http_request *r, int64_t given, int64_t *ret, struct dm_err *e)
{
    const struct inv_ctx *c = api_ctx(r);
    struct user u;
    if (!given || c->role != INV_ADMIN || given == c->user_id) {
        *ret = c->user_id;
        return DM_OK;
    }
    DM_TRY(user_get(c, given, r->arena, &u, e));
    *ret = u.id;
    return DM_OK;
}

int api_location(struct http_request *r, const char *path, int64_t id, struct dm_err *e)
{
    const char *text = dm_arena_printf(r->arena, "%s/%lld", path, (long long)id);
    if (!text) {
        DM_FAIL(e, DM_ENOMEM, "no memory for an address");
    }
    return http_reply_header(r, "Location", text, e);
}

int api_json(json_t *take_value, json_t **ret, struct dm_err *e)
{
    if (!take_value) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the answer");
    }
    *ret = take_value;
    return DM_OK;
}

json_t *api_instant(int64_t ms)
{
    char text[HTTP_INSTANT_SIZE];
    if (!ms) {
        return json_null();
    }
    http_instant_text(ms, text);
    return json_string(text);
}

json_t *api_text(const char *text)
{
    return text ? json_string(text) : json_null();
}

json_t *api_ref(int64_t id)
{
    return id ? json_integer(id) : json_null();
}

int api_reply_message(struct http_request *r, const char *text, struct dm_err *e)
{
    json_t *o = NULL;
    DM_TRY(api_json(json_pack("{s:s}", "message", text), &o, e));
    return http_reply_json(r, 200, o, e);
}
