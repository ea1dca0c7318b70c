/* SPDX-License-Identifier: Apache-2.0
 *
 * /api/v1/tokens: API tokens of the caller, for scripts (product.md 2.3). */
#include "api/api_people.h"
#include "api/api_priv.h"

#include <string.h>

#define TOKENS_PATH "/api/v1/tokens"

// clang-format off
#define TOKEN_FIELDS                                                                               \
    {"id", HTTP_INT}, {"name", HTTP_STR}, {"hint", HTTP_STR, .about = "its first characters"},     \
    {"scopes", HTTP_STR, HTTP_LIST, .one_of = "read|photos|stock|manage"},                         \
    {"expires_at", HTTP_INSTANT, HTTP_NULL}, {"last_used_at", HTTP_INSTANT, HTTP_NULL},            \
    {"revoked_at", HTTP_INSTANT, HTTP_NULL}, {"created_at", HTTP_INSTANT}
static const struct http_field token_out[] = {TOKEN_FIELDS, {NULL}};
static const struct http_schema Token = {"Token", token_out};

static const struct http_field made_out[] = {
    {"id", HTTP_INT}, {"name", HTTP_STR}, {"token", HTTP_STR, .about = "shown this once"},
    {"scopes", HTTP_STR, HTTP_LIST}, {"expires_at", HTTP_INSTANT, HTTP_NULL},
    {NULL},
};
static const struct http_schema TokenMade = {"TokenMade", made_out};

static const struct http_field make_in[] = {
    {"name", HTTP_STR, HTTP_REQ | HTTP_TRIM, .min = 1, .max = 100, .example = "\"balanza\""},
    {"scopes", HTTP_STR, HTTP_REQ | HTTP_LIST, .items_min = 1, .items_max = 4,
     .one_of = "read|photos|stock|manage"},
    {"expires_at", HTTP_INSTANT, HTTP_NULL, .about = "null: does not end by itself"},
    {NULL},
};
static const struct http_schema TokenCreate = {"TokenCreate", make_in};

static const struct http_field list_in[] = {
    {"user_id", HTTP_INT, .min = 1, .max = 2147483647, .about = "of another person, for administrators"},
    {NULL},
};
// clang-format on

static json_t *scopes_json(unsigned scopes)
{
    json_t *list = json_array();
    for (unsigned bit = 0; token_scope_names[bit]; bit++) {
        if (scopes & 1U << bit) {
            (void)json_array_append_new(list, json_string(token_scope_names[bit]));
        }
    }
    return list;
}

static int list_tokens(struct http_request *r, struct dm_err *e)
{
    const struct inv_ctx *c = api_ctx(r);
    const struct token *list;
    size_t n;
    DM_TRY(token_list(c, http_int(r->query, "user_id", c->user_id), r->arena, &list, &n, e));
    json_t *rows = json_array();
    for (size_t i = 0; i < n; i++) {
        const struct token *t = &list[i];
        (void)json_array_append_new(
            rows, json_pack("{s:I, s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "id", t->id, "name",
                            t->name, "hint", t->hint, "scopes", scopes_json(t->scopes),
                            "expires_at", api_instant(t->expires_at), "last_used_at",
                            api_instant(t->last_used_at), "revoked_at", api_instant(t->revoked_at),
                            "created_at", api_instant(t->created_at)));
    }
    return http_reply_json(r, 200, rows, e);
}

static unsigned scopes_given(const json_t *list)
{
    unsigned scopes = 0;
    size_t i;
    const json_t *name;
    json_array_foreach(list, i, name)
    {
        for (unsigned bit = 0; token_scope_names[bit]; bit++) {
            scopes |= strcmp(json_string_value(name), token_scope_names[bit]) ? 0 : 1U << bit;
        }
    }
    return scopes;
}

static int make_token(struct http_request *r, struct dm_err *e)
{
    const unsigned scopes = scopes_given(json_object_get(r->body, "scopes"));
    const char *name = http_str(r->body, "name");
    const int64_t expires_at = http_int(r->body, "expires_at", 0);
    char text[TOKEN_TEXT_SIZE];
    int64_t id;
    json_t *o = NULL;
    DM_TRY(token_issue(api_ctx(r), name, scopes, expires_at, text, &id, e));
    DM_TRY(api_location(r, TOKENS_PATH, id, e));
    DM_TRY(api_json(json_pack("{s:I, s:s, s:s, s:o, s:o}", "id", id, "name", name, "token", text,
                              "scopes", scopes_json(scopes), "expires_at", api_instant(expires_at)),
                    &o, e));
    return http_reply_json(r, 201, o, e);
}

static int end_token(struct http_request *r, struct dm_err *e)
{
    DM_TRY(token_revoke(api_ctx(r), http_int(r->path, "token_id", 0), e));
    sign_in_forget(api_options(api_of(r))->sign_in, 0);
    return api_reply_message(r, "the token has ended", e);
}

// clang-format off
const struct http_route token_routes[] = {
    {HTTP_GET, TOKENS_PATH, "list_tokens", "users", "My API tokens", API_VIEWER, HTTP_NO_STORE,
     .query = list_in, .answer = {{200, &Token, .list = true}}, .handle = list_tokens},
    {HTTP_POST, TOKENS_PATH, "make_token", "users", "Make an API token", API_VIEWER, HTTP_NO_STORE,
     .body = &TokenCreate, .answer = {{201, &TokenMade}}, .errors = "409", .handle = make_token},
    {HTTP_DELETE, TOKENS_PATH "/{token_id}", "end_token", "users", "End an API token", API_VIEWER,
     HTTP_NO_STORE, .answer = {{200, &api_message_schema}}, .errors = "404", .handle = end_token},
    {0},
};
// clang-format on
