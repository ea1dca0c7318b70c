/* SPDX-License-Identifier: Apache-2.0
 *
 * /api/v1/setup: the first administrator, by the link that `demeter serve` prints (product.md 2.3).
 * The link is http://HOST/setup#SECRET: what follows # is not sent to servers nor logged by
 * proxies; the page sends it in the body. */
#include "api/api_people.h"
#include "api/api_priv.h"

#define SETUP_PATH "/api/v1/setup"

// clang-format off
static const struct http_field state_out[] = {
    {"needed", HTTP_BOOL, .about = "true until there is an administrator"},
    {"valid", HTTP_BOOL, .about = "whether the link's token, sent as X-Setup-Token, still works"},
    {NULL},
};
static const struct http_schema SetupState = {"SetupState", state_out};

static const struct http_field setup_in[] = {
    {"token", HTTP_STR, HTTP_REQ | HTTP_SECRET, .min = 20, .max = 128},
    {"email", HTTP_STR, HTTP_REQ | API_EMAIL},
    {"first_name", HTTP_STR, HTTP_REQ | HTTP_TRIM, .min = 1, .max = 100},
    {"last_name", HTTP_STR, HTTP_REQ | HTTP_TRIM, .min = 1, .max = 100},
    {"password", HTTP_STR, HTTP_REQ | HTTP_SECRET, .min = 1, .max = 1024},
    {NULL},
};
static const struct http_schema Setup = {"Setup", setup_in};
// clang-format on

static int need_setup(const struct http_request *r, struct dm_err *e)
{
    bool needed;
    DM_TRY(link_setup_needed(api_ctx(r), &needed, e));
    if (!needed) {
        DM_FAIL(e, API_EGONE, "there is an administrator already");
    }
    return DM_OK;
}

static int get_setup(struct http_request *r, struct dm_err *e)
{
    const char *token = http_header(r, "X-Setup-Token"); /* not in the address: those are logged */
    json_t *o = NULL;
    bool valid = false;
    DM_TRY(need_setup(r, e));
    if (token) {
        DM_TRY(api_limit_take(api_of(r)->logins, r->remote, api_ctx(r)->now_ms, e));
        const int code = link_setup_peek(api_ctx(r), token, e);
        if (code < 0 && code != INV_UNAUTHENTICATED) {
            return code;
        }
        valid = code >= 0;
    }
    DM_TRY(api_json(json_pack("{s:b, s:b}", "needed", 1, "valid", valid), &o, e));
    return http_reply_json(r, 200, o, e);
}

static int set_up(struct http_request *r, struct dm_err *e)
{
    const struct inv_ctx *c = api_ctx(r);
    const struct api_options *o = api_options(api_of(r));
    const struct user_new n = {.email = http_str(r->body, "email"),
                               .first_name = http_str(r->body, "first_name"),
                               .last_name = http_str(r->body, "last_name"),
                               .password = http_str(r->body, "password")};
    struct refresh refresh;
    struct user u;
    int64_t id;
    DM_TRY(need_setup(r, e));
    DM_TRY(api_limit_take(api_of(r)->logins, r->remote, c->now_ms, e));
    if (!sign_in_local(o->sign_in)) {
        DM_REFUSE(e, INV_NOT_IMPLEMENTED, DM_FIELDS(DM_S("feature", "local sign-in")),
                  "signing in with a password is switched off");
    }
    DM_TRY(api_password_check(n.password, e));
    const int code = link_setup_use(c, http_str(r->body, "token"), &n, &id, e);
    if (code == INV_INVALID_TRANSITION) {
        DM_FAIL(e, API_EGONE, "there is an administrator already");
    }
    DM_TRY(code);
    DM_TRY(user_get(c, id, r->arena, &u, e));
    DM_TRY(refresh_issue(c, id, sign_in_refresh_s(o->sign_in) * 1000, &refresh, e));
    return api_reply_login(r, &u, &refresh, e);
}

// clang-format off
const struct http_route setup_routes[] = {
    {HTTP_GET, SETUP_PATH, "get_setup", "authentication", "Is a first administrator needed",
     API_OPEN, HTTP_NO_STORE, .answer = {{200, &SetupState}}, .errors = "410",
     .handle = get_setup},
    {HTTP_POST, SETUP_PATH, "set_up", "authentication", "Make the first administrator", API_OPEN,
     HTTP_NO_STORE, .body = &Setup, .answer = {{200, &api_login_schema}},
     .errors = "400 401 409 410 501", .handle = set_up},
    {0},
};
// clang-format on
