/* SPDX-License-Identifier: Apache-2.0
 *
 * /api/v1/auth: signing in and out, the own account (api.md 5.1, 9).
 *
 * A page signs in with the header "X-Session: cookie": its refresh token is then a cookie that only
 * /api/v1/auth receives and no script reads, and a second cookie, which scripts do read, must come
 * back as X-CSRF-Token whenever the first one is used. */
#include <string.h>

#include "api/api_people.h"
#include "api/api_priv.h"

#define COOKIE      "demeter_refresh"
#define CSRF_COOKIE "demeter_csrf"
#define AUTH_PATH   "/api/v1/auth"

// clang-format off
static const struct http_field login_user[] = {
    {"id", HTTP_INT}, {"email", HTTP_STR}, {"first_name", HTTP_STR}, {"last_name", HTTP_STR},
    {"role", HTTP_STR, .one_of = "admin|supervisor|worker|viewer"},
    {"must_change_password", HTTP_BOOL},
    {NULL},
};
static const struct http_schema LoginUser = {"LoginUser", login_user};
static const struct http_field login_out[] = {
    {"access_token", HTTP_STR, .about = "for Authorization: Bearer"},
    {"token_type", HTTP_STR, .one_of = "bearer"},
    {"expires_in", HTTP_INT, .about = "seconds"},
    {"refresh_token", HTTP_STR, HTTP_NULL, .about = "for one refresh; null when it is in the cookie"},
    {"refresh_expires_in", HTTP_INT},
    {"user", HTTP_OBJ, .of = &LoginUser},
    {NULL},
};
const struct http_schema api_login_schema = {"Login", login_out};

static const struct http_field me_out[] = {
    {"sub", HTTP_STR}, {"email", HTTP_STR}, {"roles", HTTP_STR, HTTP_LIST},
    {"iat", HTTP_INT, HTTP_NULL}, {"exp", HTTP_INT, HTTP_NULL}, {"id", HTTP_INT, HTTP_NULL},
    {"first_name", HTTP_STR, HTTP_NULL}, {"last_name", HTTP_STR, HTTP_NULL},
    {"role", HTTP_STR, HTTP_NULL, .one_of = "admin|supervisor|worker|viewer"},
    {"provider", HTTP_STR, .one_of = "local|auth0"},
    {NULL},
};
static const struct http_schema Me = {"Me", me_out};

static const struct http_field message_out[] = {{"message", HTTP_STR}, {NULL}};
const struct http_schema api_message_schema = {"Message", message_out};

static const struct http_field key_out[] = {
    {"jwks_uri", HTTP_STR}, {"domain", HTTP_STR}, {"algorithms", HTTP_STR, HTTP_LIST}, {NULL},
};
static const struct http_schema PublicKey = {"PublicKey", key_out};

static const struct http_field permissions_out[] = {
    {"role", HTTP_STR, HTTP_NULL}, {"permissions", HTTP_STR, HTTP_LIST}, {NULL},
};
static const struct http_schema Permissions = {"Permissions", permissions_out};

static const struct http_field valid_out[] = {
    {"valid", HTTP_BOOL}, {"sub", HTTP_STR}, {"email", HTTP_STR}, {"roles", HTTP_STR, HTTP_LIST},
    {"exp", HTTP_INT, HTTP_NULL},
    {NULL},
};
static const struct http_schema Valid = {"TokenValidity", valid_out};

static const struct http_field rules_out[] = {
    {"min_length", HTTP_INT}, {"max_length", HTTP_INT}, {"require_uppercase", HTTP_BOOL},
    {"require_lowercase", HTTP_BOOL}, {"require_digit", HTTP_BOOL}, {"require_special", HTTP_BOOL},
    {"special_chars", HTTP_STR},
    {NULL},
};
static const struct http_schema PasswordRules = {"PasswordRequirements", rules_out};

static const struct http_field ticket_out[] = {
    {"ticket", HTTP_STR}, {"expires_in", HTTP_INT}, {NULL},
};
static const struct http_schema Ticket = {"StreamTicket", ticket_out};

static const struct http_field login_in[] = {
    {"email", HTTP_STR, HTTP_REQ | API_EMAIL,
     .example = "\"ana@vivero.example\""},
    {"password", HTTP_STR, HTTP_REQ | HTTP_SECRET, .min = 8, .max = 1024},
    {NULL},
};
static const struct http_schema LoginIn = {"LoginRequest", login_in};

static const struct http_field refresh_in[] = {
    {"refresh_token", HTTP_STR, HTTP_SECRET, .min = 20, .max = 4096,
     .about = "required unless the session is a cookie"},
    {NULL},
};
static const struct http_schema RefreshIn = {"RefreshRequest", refresh_in};

static const struct http_field preferences_in[] = {
    {"language", HTTP_STR, .max = 35}, {"theme", HTTP_STR, .max = 35}, {"notifications", HTTP_ANY},
    {NULL},
};
static const struct http_schema PreferencesIn = {"Preferences", preferences_in};
static const struct http_field me_in[] = {
    {"first_name", HTTP_STR, .min = 1, .max = 100}, {"last_name", HTTP_STR, .min = 1, .max = 100},
    {"email", HTTP_STR, API_EMAIL},
    {"preferences", HTTP_OBJ, .of = &PreferencesIn},
    {NULL},
};
static const struct http_schema MeIn = {"MeUpdate", me_in};

static const struct http_field change_in[] = {
    {"current_password", HTTP_STR, HTTP_REQ | HTTP_SECRET, .min = 1, .max = 1024},
    {"new_password", HTTP_STR, HTTP_REQ | HTTP_SECRET, .min = 1, .max = 1024},
    {NULL},
};
static const struct http_schema ChangeIn = {"PasswordChange", change_in};

static const struct http_field invite_in[] = {
    {"token", HTTP_STR, HTTP_REQ | HTTP_SECRET, .min = 20, .max = 128},
    {"password", HTTP_STR, HTTP_REQ | HTTP_SECRET, .min = 1, .max = 1024},
    {NULL},
};
static const struct http_schema InviteIn = {"InvitationAcceptance", invite_in};

static const struct http_field ticket_in[] = {
    {"path", HTTP_STR, HTTP_REQ, .min = 1, .max = LINK_PATH_MAX, .pattern = "/.*",
     .example = "\"/api/v1/events\""},
    {NULL},
};
static const struct http_schema TicketIn = {"StreamTicketRequest", ticket_in};
// clang-format on

/* ---- what several routes share --------------------------------------------------------------- */

static bool wants_cookie(const struct http_request *r)
{
    const char *header = http_header(r, "X-Session");
    return header && !strcmp(header, "cookie");
}

static int set_cookie(struct http_request *r, const char *name, const char *value, const char *path,
                      bool scripts, int64_t age_s, struct dm_err *e)
{
    const bool secure = r->secure || api_options(api_of(r))->secure_cookies;
    const char *text = dm_arena_printf(
        r->arena, "%s=%s; Path=%s; Max-Age=%lld; SameSite=Strict%s%s", name, value, path,
        (long long)age_s, scripts ? "" : "; HttpOnly", secure ? "; Secure" : "");
    if (!text) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a cookie");
    }
    return http_reply_header(r, "Set-Cookie", text, e);
}

static int set_session(struct http_request *r, const char *refresh, struct dm_err *e)
{
    const struct sign_in *s = api_options(api_of(r))->sign_in;
    const char *csrf;
    DM_TRY(sign_in_csrf(s, refresh, r->arena, &csrf, e));
    DM_TRY(set_cookie(r, COOKIE, refresh, AUTH_PATH, false, sign_in_refresh_s(s), e));
    return set_cookie(r, CSRF_COOKIE, csrf, "/", true, sign_in_refresh_s(s), e);
}

static int end_session(struct http_request *r, struct dm_err *e)
{
    DM_TRY(set_cookie(r, COOKIE, "", AUTH_PATH, false, 0, e));
    return set_cookie(r, CSRF_COOKIE, "", "/", true, 0, e);
}

/* The refresh token of the cookie; NULL without one. API_ECSRF: another site made the browser send
 * it. */
static int cookie_session(struct http_request *r, const char **ret, struct dm_err *e)
{
    const char *refresh = http_cookie(r, COOKIE);
    if (refresh && refresh[0] &&
        !sign_in_csrf_fits(api_options(api_of(r))->sign_in, refresh,
                           http_header(r, "X-CSRF-Token"))) {
        DM_FAIL(e, API_ECSRF, "the header X-CSRF-Token does not fit the session");
    }
    *ret = refresh && refresh[0] ? refresh : NULL;
    return DM_OK;
}

int api_reply_login(struct http_request *r, const struct user *u, const struct refresh *refresh,
                    struct dm_err *e)
{
    const struct sign_in *s = api_options(api_of(r))->sign_in;
    const bool cookie = wants_cookie(r);
    const char *access;
    json_t *o = NULL;
    DM_TRY(sign_in_access(s, api_ctx(r), u, refresh->id, r->arena, &access, e));
    if (cookie) {
        DM_TRY(set_session(r, refresh->text, e));
    }
    DM_TRY(api_json(json_pack("{s:s, s:s, s:I, s:s?, s:I, s:{s:I, s:s, s:s, s:s, s:s, s:b}}",
                              "access_token", access, "token_type", "bearer", "expires_in",
                              sign_in_access_s(s), "refresh_token", cookie ? NULL : refresh->text,
                              "refresh_expires_in", sign_in_refresh_s(s), "user", "id", u->id,
                              "email", u->email, "first_name", u->first_name, "last_name",
                              u->last_name, "role", inv_role_names[u->role], "must_change_password",
                              u->must_change_password),
                    &o, e));
    return http_reply_json(r, 200, o, e);
}

static int start_session(struct http_request *r, const struct user *u, struct dm_err *e)
{
    struct refresh refresh;
    const int64_t life_s = sign_in_refresh_s(api_options(api_of(r))->sign_in);
    DM_TRY(refresh_issue(api_ctx(r), u->id, life_s * 1000, &refresh, e));
    return api_reply_login(r, u, &refresh, e);
}

static int need_local(const struct http_request *r, struct dm_err *e)
{
    if (!sign_in_local(api_options(api_of(r))->sign_in)) {
        DM_REFUSE(e, INV_NOT_IMPLEMENTED, DM_FIELDS(DM_S("feature", "local sign-in")),
                  "signing in with a password is switched off");
    }
    return DM_OK;
}

int api_password_check(const char *password, struct dm_err *e)
{
    struct dm_err why = {0};
    if (password_check(password, &why) < 0) {
        DM_REFUSE(e, API_EPASSWORD_RULE, DM_FIELDS(DM_S("field", "password")), "%s",
                  dm_err_text(&why));
    }
    return DM_OK;
}

/* ---- signing in and out ---------------------------------------------------------------------- */

static int login(struct http_request *r, struct dm_err *e)
{
    struct api *api = api_of(r);
    const struct inv_ctx *c = api_ctx(r);
    struct user u;
    DM_TRY(need_local(r, e));
    DM_TRY(api_limit_take(api->logins, r->remote, c->now_ms, e));
    const int code =
        user_sign_in(c, http_str(r->body, "email"), http_str(r->body, "password"), r->arena, &u, e);
    if (code == INV_UNAUTHENTICATED) {
        DM_REFUSE(e, INV_UNAUTHENTICATED, DM_FIELDS(DM_S("reason", "bad_credentials")),
                  "e-mail address or password is wrong");
    }
    DM_TRY(code);
    return start_session(r, &u, e);
}

static int refresh(struct http_request *r, struct dm_err *e)
{
    const int64_t life_s = sign_in_refresh_s(api_options(api_of(r))->sign_in);
    const char *token = http_str(r->body, "refresh_token");
    struct refresh next;
    struct user u;
    DM_TRY(need_local(r, e));
    if (!token) {
        DM_TRY(cookie_session(r, &token, e));
    }
    if (!token) {
        return jwt_refuse("missing", e);
    }
    struct dm_err why = {0};
    const int code = refresh_rotate(api_ctx(r), token, life_s * 1000, r->arena, &next, &u, &why);
    if (code == INV_UNAUTHENTICATED) { /* the reasons of api.md 1.6 are fewer */
        const char *reason = why.n_fields ? why.field[0].s : "";
        return jwt_refuse(!strcmp(reason, "expired")    ? "expired"
                          : !strcmp(reason, "inactive") ? "inactive_user"
                                                        : "revoked",
                          e);
    }
    if (code < 0) {
        DM_FAIL(e, code, "%s", dm_err_text(&why));
    }
    return api_reply_login(r, &u, &next, e);
}

static int logout(struct http_request *r, struct dm_err *e)
{
    const struct principal *who = api_who(r);
    const char *cookie;
    DM_TRY(cookie_session(r, &cookie, e));
    if (who->session_id) {
        DM_TRY(refresh_end(api_ctx(r), who->session_id, e));
    }
    if (cookie) {
        DM_TRY(refresh_revoke(api_ctx(r), cookie, e));
        DM_TRY(end_session(r, e));
    }
    sign_in_forget(api_options(api_of(r))->sign_in, who->user_id);
    return api_reply_message(r, "signed out", e);
}

static int public_key(struct http_request *r, struct dm_err *e)
{
    const struct api_options *o = api_options(api_of(r));
    struct oidc *oidc = sign_in_oidc(o->sign_in);
    const char *uri;
    json_t *body = NULL;
    json_t *algs = json_array();
    if (!oidc) {
        json_decref(algs);
        DM_FAIL(e, API_ENO_ISSUER, "no identity provider is configured");
    }
    for (int i = 0; i < JWT_ALG_MAX_; i++) {
        if (oidc_algs(oidc) & 1U << i) {
            (void)json_array_append_new(algs, json_string(jwt_alg_names[i]));
        }
    }
    if (oidc_jwks_uri(oidc, r->arena, &uri, e) < 0) {
        json_decref(algs);
        DM_FAIL(e, API_EISSUER_AWAY, "the identity provider cannot be reached");
    }
    DM_TRY(
        api_json(json_pack("{s:s, s:s, s:o}", "jwks_uri", uri, "domain",
                           o->oidc_domain ? o->oidc_domain : oidc_issuer(oidc), "algorithms", algs),
                 &body, e));
    return http_reply_json(r, 200, body, e);
}

/* ---- the own account ------------------------------------------------------------------------- */

static json_t *roles_of(const struct principal *who)
{
    return who->role == INV_ROLE_MAX_ ? json_array() : json_pack("[s]", inv_role_names[who->role]);
}

static int get_me(struct http_request *r, struct dm_err *e)
{
    const struct principal *who = api_who(r);
    struct user u;
    json_t *o = NULL;
    DM_TRY(user_get(api_ctx(r), who->user_id, r->arena, &u, e));
    DM_TRY(api_json(json_pack("{s:s, s:s, s:o, s:o, s:o, s:I, s:s, s:s, s:s?, s:s}", "sub",
                              who->sub, "email", u.email, "roles", roles_of(who), "iat",
                              api_ref(who->issued_s), "exp", api_ref(who->expires_s), "id", u.id,
                              "first_name", u.first_name, "last_name", u.last_name, "role",
                              who->role == INV_ROLE_MAX_ ? NULL : inv_role_names[who->role],
                              "provider", u.provider ? "auth0" : "local"),
                    &o, e));
    return http_reply_json(r, 200, o, e);
}

static int change_me(struct http_request *r, struct dm_err *e)
{
    const struct principal *who = api_who(r);
    const struct user_change x = {.email = http_str(r->body, "email"),
                                  .first_name = http_str(r->body, "first_name"),
                                  .last_name = http_str(r->body, "last_name"),
                                  .role = INV_ROLE_MAX_,
                                  .active = -1};
    struct user u;
    json_t *o = NULL;
    DM_TRY(user_change_self(api_ctx(r), &x, e));
    if (http_has(r->body, "preferences")) {
        DM_TRY(user_preferences_set(api_ctx(r), json_object_get(r->body, "preferences"), e));
    }
    sign_in_forget(api_options(api_of(r))->sign_in, who->user_id);
    DM_TRY(user_get(api_ctx(r), who->user_id, r->arena, &u, e));
    DM_TRY(api_json(api_user_json(&u), &o, e));
    return http_reply_json(r, 200, o, e);
}

static int change_password(struct http_request *r, struct dm_err *e)
{
    const char *wanted = http_str(r->body, "new_password");
    struct user u;
    DM_TRY(user_get(api_ctx(r), api_who(r)->user_id, r->arena, &u, e));
    if (!u.has_password) {
        DM_FAIL(e, INV_INVALID_TRANSITION, "this account signs in elsewhere and has no password");
    }
    DM_TRY(api_limit_take(api_of(r)->logins, r->remote, api_ctx(r)->now_ms, e));
    DM_TRY(api_password_check(wanted, e));
    const int code =
        user_change_password(api_ctx(r), http_str(r->body, "current_password"), wanted, e);
    if (code == INV_UNAUTHENTICATED) {
        DM_REFUSE(e, INV_UNAUTHENTICATED, DM_FIELDS(DM_S("reason", "bad_credentials")),
                  "the current password is not right");
    }
    DM_TRY(code);
    sign_in_forget(api_options(api_of(r))->sign_in, u.id);
    return api_reply_message(r, "password changed; sign in again", e);
}

/* Names of the older contract, and the action of permissions.def that grants them. */
static const struct {
    const char *name;
    enum inv_action action;
} permissions[] = {
    {"analytics.read", INV_DO_ANALYTICS},
    {"catalog.create", INV_DO_CATALOGUE_WRITE},
    {"catalog.delete", INV_DO_CATALOGUE_WRITE},
    {"catalog.read", INV_DO_READ},
    {"catalog.update", INV_DO_CATALOGUE_WRITE},
    {"config.create", INV_DO_CONFIGURE},
    {"config.delete", INV_DO_CONFIGURE},
    {"config.read", INV_DO_READ},
    {"config.update", INV_DO_CONFIGURE},
    {"import.create", INV_DO_CATALOGUE_WRITE},
    {"import.delete", INV_DO_CATALOGUE_WRITE},
    {"import.read", INV_DO_CATALOGUE_WRITE},
    {"import.update", INV_DO_CATALOGUE_WRITE},
    {"price.create", INV_DO_CATALOGUE_WRITE},
    {"price.delete", INV_DO_CATALOGUE_WRITE},
    {"price.read", INV_DO_SEE_PRICES},
    {"price.update", INV_DO_CATALOGUE_WRITE},
    {"reconciliation.post", INV_DO_RECONCILE},
    {"session.validate", INV_DO_COUNT_REVIEW},
    {"stock.create", INV_DO_MOVE},
    {"stock.delete", INV_DO_REVERSE},
    {"stock.read", INV_DO_READ},
    {"stock.update", INV_DO_MOVE_OFFICE},
    {"user.create", INV_DO_USERS},
    {"user.delete", INV_DO_USERS},
    {"user.read", INV_DO_USERS},
    {"user.update", INV_DO_USERS},
    {"warehouse.create", INV_DO_PLACES_WRITE},
    {"warehouse.delete", INV_DO_PLACES_WRITE},
    {"warehouse.read", INV_DO_READ},
    {"warehouse.update", INV_DO_PLACES_WRITE},
};

static int get_permissions(struct http_request *r, struct dm_err *e)
{
    const struct principal *who = api_who(r);
    const bool some = who->role != INV_ROLE_MAX_;
    json_t *list = json_array();
    json_t *o = NULL;
    for (size_t i = 0; some && i < DM_COUNT(permissions); i++) {
        if (inv_grant_of(who->role, permissions[i].action) != INV_GRANT_NO) {
            (void)json_array_append_new(list, json_string(permissions[i].name));
        }
    }
    DM_TRY(api_json(json_pack("{s:s?, s:o}", "role", some ? inv_role_names[who->role] : NULL,
                              "permissions", list),
                    &o, e));
    return http_reply_json(r, 200, o, e);
}

static int validate(struct http_request *r, struct dm_err *e)
{
    const struct principal *who = api_who(r);
    json_t *o = NULL;
    DM_TRY(api_json(json_pack("{s:b, s:s, s:s, s:o, s:o}", "valid", 1, "sub", who->sub, "email",
                              who->email, "roles", roles_of(who), "exp", api_ref(who->expires_s)),
                    &o, e));
    return http_reply_json(r, 200, o, e);
}

static int get_rules(struct http_request *r, struct dm_err *e)
{
    json_t *o = NULL;
    DM_TRY(api_json(json_pack("{s:i, s:i, s:b, s:b, s:b, s:b, s:s}", "min_length",
                              PASSWORD_BYTES_MIN, "max_length", PASSWORD_BYTES_MAX,
                              "require_uppercase", 1, "require_lowercase", 1, "require_digit", 1,
                              "require_special", 1, "special_chars", password_special),
                    &o, e));
    return http_reply_json(r, 200, o, e);
}

static int stream_ticket(struct http_request *r, struct dm_err *e)
{
    char ticket[PASSWORD_SECRET_SIZE];
    json_t *o = NULL;
    DM_TRY(link_ticket(api_ctx(r), http_str(r->body, "path"), ticket, e));
    DM_TRY(api_json(json_pack("{s:s, s:i}", "ticket", ticket, "expires_in", LINK_TICKET_MS / 1000),
                    &o, e));
    return http_reply_json(r, 200, o, e);
}

static int accept_invite(struct http_request *r, struct dm_err *e)
{
    const char *password = http_str(r->body, "password");
    int64_t id;
    struct user u;
    DM_TRY(need_local(r, e));
    DM_TRY(api_limit_take(api_of(r)->logins, r->remote, api_ctx(r)->now_ms, e));
    DM_TRY(api_password_check(password, e));
    DM_TRY(link_invite_use(api_ctx(r), http_str(r->body, "token"), password, &id, e));
    sign_in_forget(api_options(api_of(r))->sign_in, id);
    DM_TRY(user_get(api_ctx(r), id, r->arena, &u, e));
    return start_session(r, &u, e);
}

// clang-format off
const struct http_route auth_routes[] = {
    {HTTP_GET, AUTH_PATH "/me", "get_me", "authentication", "Who I am", API_ANY, HTTP_NO_STORE,
     .answer = {{200, &Me}}, .handle = get_me},
    {HTTP_PATCH | HTTP_PUT, AUTH_PATH "/me", "change_me", "authentication", "Change my account",
     API_ANY, HTTP_NO_STORE, .body = &MeIn, .answer = {{200, &api_user_schema}}, .errors = "409",
     .handle = change_me},
    {HTTP_POST, AUTH_PATH "/login", "login", "authentication", "Sign in", API_OPEN, HTTP_NO_STORE,
     .body = &LoginIn, .answer = {{200, &api_login_schema}}, .errors = "401 501", .handle = login,
     .about = "With the header X-Session: cookie the refresh token becomes a cookie."},
    {HTTP_POST, AUTH_PATH "/logout", "logout", "authentication", "Sign out", API_ANY,
     HTTP_NO_STORE | HTTP_BODY_OPTIONAL, .answer = {{200, &api_message_schema}}, .handle = logout},
    {HTTP_GET, AUTH_PATH "/public-key", "get_public_key", "authentication",
     "Keys of the identity provider", API_OPEN, HTTP_NO_STORE, .answer = {{200, &PublicKey}},
     .handle = public_key},
    {HTTP_POST, AUTH_PATH "/refresh", "refresh", "authentication", "Exchange a refresh token",
     API_OPEN, HTTP_NO_STORE | HTTP_BODY_OPTIONAL, .body = &RefreshIn,
     .answer = {{200, &api_login_schema}}, .errors = "501", .handle = refresh},
    {HTTP_POST, AUTH_PATH "/change-password", "change_password", "authentication",
     "Change my password", API_ANY, HTTP_NO_STORE, .body = &ChangeIn,
     .answer = {{200, &api_message_schema}}, .errors = "400 409", .handle = change_password},
    {HTTP_GET, AUTH_PATH "/permissions", "get_permissions", "authentication", "What I may do",
     API_ANY, HTTP_NO_STORE, .answer = {{200, &Permissions}}, .handle = get_permissions},
    {HTTP_POST, AUTH_PATH "/validate", "validate_token", "authentication", "Is my token good",
     API_ANY, HTTP_NO_STORE | HTTP_BODY_OPTIONAL, .answer = {{200, &Valid}}, .handle = validate},
    {HTTP_GET, AUTH_PATH "/password-requirements", "get_password_requirements", "authentication",
     "What a password must have", API_OPEN, HTTP_NO_STORE, .answer = {{200, &PasswordRules}},
     .handle = get_rules},
    {HTTP_POST, AUTH_PATH "/stream-ticket", "stream_ticket", "authentication",
     "A ticket for one event stream", API_VIEWER, HTTP_NO_STORE, .body = &TicketIn,
     .answer = {{200, &Ticket}}, .handle = stream_ticket},
    {HTTP_POST, AUTH_PATH "/accept-invite", "accept_invite", "authentication",
     "Choose a password by an invitation", API_OPEN, HTTP_NO_STORE, .body = &InviteIn,
     .answer = {{200, &api_login_schema}}, .errors = "400 501", .handle = accept_invite},
    {0},
};
// clang-format on
