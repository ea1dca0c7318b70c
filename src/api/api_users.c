/* SPDX-License-Identifier: Apache-2.0
 *
 * /api/v1/users: people, for administrators (api.md 9). */
#include <stdlib.h>
#include <string.h>

#include "api/api_people.h"
#include "api/api_priv.h"
#include "api/resource.h"
#include "base/text.h"

#define USERS_PATH "/api/v1/users"

// clang-format off
static const struct http_field user_out[] = {
    {"id", HTTP_INT}, {"email", HTTP_STR}, {"first_name", HTTP_STR}, {"last_name", HTTP_STR},
    {"role", HTTP_STR, .one_of = "admin|supervisor|worker|viewer"}, {"active", HTTP_BOOL},
    {"provider", HTTP_STR, .one_of = "local|auth0"}, {"must_change_password", HTTP_BOOL},
    {"terms_accepted_at", HTTP_INSTANT, HTTP_NULL}, {"last_login", HTTP_INSTANT, HTTP_NULL},
    {"last_upload_at", HTTP_INSTANT, HTTP_NULL}, {"created_at", HTTP_INSTANT},
    {"updated_at", HTTP_INSTANT, HTTP_NULL}, {"preferences", HTTP_OBJ},
    {"invite_url", HTTP_STR, HTTP_OPT, .about = "once, when the account was made without a password"},
    {NULL},
};
const struct http_schema api_user_schema = {"User", user_out};

static const struct http_field reset_out[] = {
    {"message", HTTP_STR}, {"temporary_password", HTTP_STR, HTTP_NULL | HTTP_OPT}, {NULL},
};
static const struct http_schema ResetOut = {"PasswordReset", reset_out};

static const struct http_field list_in[] = {
    {"active", HTTP_BOOL}, {"role", HTTP_STR, .one_of = "admin|supervisor|worker|viewer"},
    {"q", HTTP_STR, .min = 1, .max = 100, .about = "part of a name or an address"},
    {"sort", HTTP_STR, .one_of = "id|-id|email|-email|last_name|-last_name|role|-role|last_login|-last_login|created_at|-created_at"},
    {NULL},
};

#define EMAIL {"email", HTTP_STR, HTTP_REQ | API_EMAIL}
static const struct http_field create_in[] = {
    EMAIL,
    {"first_name", HTTP_STR, HTTP_REQ | HTTP_TRIM, .min = 1, .max = 100},
    {"last_name", HTTP_STR, HTTP_REQ | HTTP_TRIM, .min = 1, .max = 100},
    {"role", HTTP_STR, HTTP_REQ, .one_of = "admin|supervisor|worker|viewer"},
    {"password", HTTP_STR, HTTP_SECRET, .min = 1, .max = 1024,
     .about = "absent: the person chooses one by a link"},
    {NULL},
};
static const struct http_schema UserCreate = {"UserCreate", create_in};

static const struct http_field change_in[] = {
    {"email", HTTP_STR, API_EMAIL},
    {"first_name", HTTP_STR, HTTP_TRIM, .min = 1, .max = 100},
    {"last_name", HTTP_STR, HTTP_TRIM, .min = 1, .max = 100},
    {"role", HTTP_STR, .one_of = "admin|supervisor|worker|viewer"}, {"active", HTTP_BOOL},
    {NULL},
};
static const struct http_schema UserUpdate = {"UserUpdate", change_in};

static const struct http_field reset_in[] = {
    {"new_password", HTTP_STR, HTTP_SECRET, .min = 1, .max = 1024,
     .about = "absent: one is made up and told once"},
    {NULL},
};
static const struct http_schema ResetIn = {"PasswordResetRequest", reset_in};
// clang-format on

json_t *api_user_json(const struct user *u)
{
    json_t *preferences = u->preferences ? json_loads(u->preferences, 0, NULL) : json_object();
    return json_pack(
        "{s:I, s:s, s:s, s:s, s:s, s:b, s:s, s:b, s:o, s:o, s:o, s:o, s:o, s:o}", "id", u->id,
        "email", u->email, "first_name", u->first_name, "last_name", u->last_name, "role",
        inv_role_names[u->role], "active", u->active, "provider", u->provider ? "auth0" : "local",
        "must_change_password", u->must_change_password, "terms_accepted_at",
        api_instant(u->terms_accepted_at), "last_login", api_instant(u->last_login_at),
        "last_upload_at", api_instant(u->last_upload_at), "created_at", api_instant(u->created_at),
        "updated_at", api_instant(u->updated_at), "preferences", preferences);
}

static enum inv_role role_of(const char *name)
{
    int role = 0;
    while (name && inv_role_names[role] && strcmp(name, inv_role_names[role]) != 0) {
        role++;
    }
    return name ? (enum inv_role)role : INV_ROLE_MAX_;
}

/* ---- reading --------------------------------------------------------------------------------- */

static int reply_user(struct http_request *r, int status, int64_t id, struct dm_err *e)
{
    struct user u;
    json_t *o = NULL;
    DM_TRY(user_get(api_ctx(r), id, r->arena, &u, e));
    if (u.is_system) {
        DM_FAIL(e, INV_NOT_FOUND, "there is no such user");
    }
    DM_TRY(api_json(api_user_json(&u), &o, e));
    return http_reply_json(r, status, o, e);
}

/* Accounts are some dozens: they are looked through here, so that accents and case do not count. */
static bool matches(const struct user *u, const char *folded, struct dm_arena *a)
{
    const char *text = dm_arena_printf(a, "%s %s %s", u->first_name, u->last_name, u->email);
    const char *have = text ? dm_text_fold(text, a) : NULL;
    return have && strstr(have, folded);
}

static int64_t order_of(const struct user *x, const struct user *y, const char *field)
{
    if (!strcmp(field, "email")) {
        return strcmp(x->email, y->email);
    }
    if (!strcmp(field, "last_name")) {
        return strcmp(x->last_name, y->last_name);
    }
    if (!strcmp(field, "role")) {
        return (int64_t)x->role - (int64_t)y->role;
    }
    if (!strcmp(field, "last_login")) {
        return x->last_login_at - y->last_login_at;
    }
    return !strcmp(field, "created_at") ? x->created_at - y->created_at : 0;
}

static int by_sort(const void *a, const void *b, void *sort)
{
    const struct user *x = a;
    const struct user *y = b;
    const char *field = sort;
    const int sign = field[0] == '-' ? -1 : 1;
    int64_t d = order_of(x, y, field + (field[0] == '-'));
    d = d ? d : x->id - y->id;
    return d < 0 ? -sign : d > 0 ? sign : 0;
}

static int list_users(struct http_request *r, struct dm_err *e)
{
    const struct http_slice slice = http_slice(r);
    const int active = http_has(r->query, "active") ? http_bool(r->query, "active", true) : -1;
    const char *q = http_str(r->query, "q");
    const char *sort = http_str(r->query, "sort");
    const char *folded = q ? dm_text_fold(q, r->arena) : "";
    const struct user *all;
    size_t n;
    int64_t total = 0;
    DM_TRY(
        user_list(api_ctx(r), active, role_of(http_str(r->query, "role")), r->arena, &all, &n, e));
    struct user *list = dm_arena_calloc(r->arena, n, sizeof(*list));
    if (!list || !folded) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the list of users");
    }
    for (size_t i = 0; i < n; i++) {
        if (matches(&all[i], folded, r->arena)) {
            list[total++] = all[i];
        }
    }
    qsort_r(list, (size_t)total, sizeof(*list), by_sort, (void *)(sort ? sort : "id"));
    json_t *rows = json_array();
    for (int64_t i = slice.skip; i < DM_MIN(total, slice.skip + slice.limit); i++) {
        (void)json_array_append_new(rows, api_user_json(&list[i]));
    }
    return http_reply_page(r, "items", rows, total, e);
}

static int get_user(struct http_request *r, struct dm_err *e)
{
    const int64_t id = http_int(r->path, "user_id", 0);
    const struct inv_ctx *c = api_ctx(r);
    if (id != c->user_id) {
        DM_TRY(inv_permit(c, INV_DO_USERS, e));
    }
    return reply_user(r, 200, id, e);
}

/* ---- writing --------------------------------------------------------------------------------- */

/* An account without a password gets one that nobody knows, and a link to choose another. */
static int create_user(struct http_request *r, struct dm_err *e)
{
    const struct inv_ctx *c = api_ctx(r);
    const char *password = http_str(r->body, "password");
    char unknown[PASSWORD_TEMPORARY_SIZE];
    char secret[PASSWORD_SECRET_SIZE];
    const char *url = NULL;
    struct user u;
    int64_t id;
    json_t *o = NULL;
    if (password) {
        DM_TRY(api_password_check(password, e));
    }
    password_temporary(unknown);
    const struct user_new n = {.email = http_str(r->body, "email"),
                               .first_name = http_str(r->body, "first_name"),
                               .last_name = http_str(r->body, "last_name"),
                               .role = role_of(http_str(r->body, "role")),
                               .password = password ? password : unknown};
    DM_TRY(user_add(c, &n, &id, e));
    if (!password) {
        DM_TRY(link_invite(c, id, secret, e));
        url = dm_arena_printf(r->arena, "%s/invite#%s", api_options(api_of(r))->base_url, secret);
    }
    DM_TRY(user_get(c, id, r->arena, &u, e));
    DM_TRY(api_json(api_user_json(&u), &o, e));
    if (url) {
        (void)json_object_set_new(o, "invite_url", json_string(url));
    }
    const int code = api_location(r, USERS_PATH, id, e);
    if (code < 0) {
        json_decref(o);
        return code;
    }
    return http_reply_json(r, 201, o, e);
}

static int change_user(struct http_request *r, struct dm_err *e)
{
    const int64_t id = http_int(r->path, "user_id", 0);
    const struct user_change x = {
        .email = http_str(r->body, "email"),
        .first_name = http_str(r->body, "first_name"),
        .last_name = http_str(r->body, "last_name"),
        .role = role_of(http_str(r->body, "role")),
        .active = http_has(r->body, "active") ? http_bool(r->body, "active", true) : -1,
    };
    DM_TRY(user_change(api_ctx(r), id, &x, e));
    sign_in_forget(api_options(api_of(r))->sign_in, id);
    return reply_user(r, 200, id, e);
}

static int reset_password(struct http_request *r, struct dm_err *e)
{
    const int64_t id = http_int(r->path, "user_id", 0);
    const char *wanted = http_str(r->body, "new_password");
    char made[PASSWORD_TEMPORARY_SIZE];
    json_t *o = NULL;
    if (wanted) {
        DM_TRY(api_password_check(wanted, e));
    } else {
        password_temporary(made);
    }
    DM_TRY(user_reset(api_ctx(r), id, wanted ? wanted : made, /* keep= */ false, e));
    sign_in_forget(api_options(api_of(r))->sign_in, id);
    DM_TRY(api_json(json_pack("{s:s, s:s?}", "message", "the password was reset",
                              "temporary_password", wanted ? NULL : made),
                    &o, e));
    return http_reply_json(r, 200, o, e);
}

static int delete_user(struct http_request *r, struct dm_err *e)
{
    const int64_t id = http_int(r->path, "user_id", 0);
    const struct user_change leave = {.role = INV_ROLE_MAX_, .active = 0};
    json_t *o = NULL;
    if (id == api_ctx(r)->user_id) {
        DM_FAIL(e, INV_IN_USE, "nobody removes the own account");
    }
    DM_TRY(user_change(api_ctx(r), id, &leave, e));
    sign_in_forget(api_options(api_of(r))->sign_in, id);
    DM_TRY(api_json(json_pack("{s:b, s:I, s:s, s:s}", "success", 1, "deleted_id", id, "mode",
                              "soft", "message", "the account is inactive"),
                    &o, e));
    return http_reply_json(r, 200, o, e);
}

/* The sections 25 of api.md promises the same below /auth; those rows are not in the document. */
// clang-format off
#define ROWS(path, n, hidden)                                                                      \
    {HTTP_GET, path, n "list_users", "users", "People", API_ADMIN, HTTP_PAGED | (hidden),          \
     .query = list_in, .answer = {{200, &api_user_schema, .list = true}}, .handle = list_users},   \
    {HTTP_POST, path, n "create_user", "users", "Add a person", API_ADMIN,                         \
     HTTP_IDEMPOTENT | HTTP_NO_STORE | (hidden), .body = &UserCreate,                              \
     .answer = {{201, &api_user_schema}}, .errors = "400 409", .handle = create_user},             \
    {HTTP_GET, path "/{user_id}", n "get_user", "users", "One person", API_VIEWER, (hidden),       \
     .answer = {{200, &api_user_schema}}, .errors = "404", .handle = get_user},                    \
    {HTTP_PATCH | HTTP_PUT, path "/{user_id}", n "change_user", "users", "Change a person",        \
     API_ADMIN, (hidden), .body = &UserUpdate, .answer = {{200, &api_user_schema}},                \
     .errors = "404 409", .handle = change_user},                                                  \
    {HTTP_POST, path "/{user_id}/reset-password", n "reset_password", "users",                     \
     "Give a temporary password", API_ADMIN, HTTP_NO_STORE | HTTP_BODY_OPTIONAL | (hidden),        \
     .body = &ResetIn, .answer = {{200, &ResetOut}}, .errors = "400 404 409",                      \
     .handle = reset_password},                                                                    \
    {HTTP_DELETE, path "/{user_id}", n "delete_user", "users", "Take a person off", API_ADMIN,     \
     (hidden), .answer = {{200, &DeleteResult}}, .errors = "404 409", .handle = delete_user}

const struct http_route user_routes[] = {
    ROWS(USERS_PATH, "", 0),
    ROWS("/api/v1/auth/users", "alias_", HTTP_HIDDEN),
    {0},
};
// clang-format on
