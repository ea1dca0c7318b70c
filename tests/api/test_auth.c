/* SPDX-License-Identifier: Apache-2.0
 *
 * /api/v1/auth, /api/v1/setup, health: signing in as clients do it. */
#include "support/api_rig.h"

#include <string.h>

#include "api/page.h"
#include "telemetry/telemetry.h"

#define LOGIN(email, password) "{\"email\":\"" email "\",\"password\":\"" password "\"}"

static const char *text(const json_t *o, const char *name)
{
    return json_string_value(json_object_get(o, name));
}

static const char *reason(const json_t *o)
{
    return text(json_object_get(o, "details"), "reason");
}

static void me_is_who_signed_in(void **state)
{
    struct api_rig *g = *state;
    json_t *o = test_send(g->client, 200, "POST", "/api/v1/auth/login",
                          LOGIN("Worker@Rig.test", API_RIG_PASSWORD));
    assert_string_equal(text(o, "token_type"), "bearer");
    assert_int_equal(json_integer_value(json_object_get(o, "expires_in")), 900);
    assert_string_equal(text(json_object_get(o, "user"), "role"), "worker");
    test_client_token(g->client, text(o, "access_token"));
    json_t *me = test_get(g->client, 200, "/api/v1/auth/me/");
    assert_string_equal(text(me, "email"), "worker@rig.test");
    assert_string_equal(text(me, "provider"), "local");
    assert_string_equal(json_string_value(json_array_get(json_object_get(me, "roles"), 0)),
                        "worker");
    json_decref(me);
    json_decref(test_send(g->client, 200, "POST", "/api/v1/auth/validate", NULL));
    json_t *may = test_get(g->client, 200, "/api/v1/auth/permissions");
    char *list = json_dumps(json_object_get(may, "permissions"), JSON_COMPACT);
    assert_string_equal(list, "[\"analytics.read\",\"catalog.read\",\"config.read\","
                              "\"stock.create\",\"stock.delete\",\"stock.read\","
                              "\"warehouse.read\"]");
    free(list);
    json_decref(may);
    /* signing out ends the access token, too, and what could refresh it */
    char body[600];
    json_decref(test_send(g->client, 200, "POST", "/api/v1/auth/logout", NULL));
    me = test_get(g->client, 401, "/api/v1/auth/me");
    assert_string_equal(reason(me), "revoked");
    json_decref(me);
    (void)snprintf(body, sizeof(body), "{\"refresh_token\":\"%s\"}", text(o, "refresh_token"));
    test_client_token(g->client, NULL);
    me = test_send(g->client, 401, "POST", "/api/v1/auth/refresh", body);
    assert_string_equal(reason(me), "revoked");
    json_decref(me);
    json_decref(o);
}

static void bad_credentials_tell_nothing(void **state)
{
    struct api_rig *g = *state;
    json_t *a = test_send(g->client, 401, "POST", "/api/v1/auth/login",
                          LOGIN("worker@rig.test", "Wrong-2026-no"));
    json_t *b = test_send(g->client, 401, "POST", "/api/v1/auth/login",
                          LOGIN("nobody@rig.test", "Wrong-2026-no"));
    assert_string_equal(reason(a), "bad_credentials");
    assert_string_equal(text(a, "code"), "UnauthorizedException");
    assert_string_equal(text(a, "error"), text(b, "error"));
    json_decref(a);
    json_decref(b);
    json_decref(test_send(g->client, 422, "POST", "/api/v1/auth/login", "{\"email\":\"x\"}"));
    json_decref(
        test_send(g->client, 422, "POST", "/api/v1/auth/refresh", "{\"refresh_token\":\"short\"}"));
    b = test_send(g->client, 401, "POST", "/api/v1/auth/refresh", NULL);
    assert_string_equal(reason(b), "missing");
    json_decref(b);
    b = test_get(g->client, 401, "/api/v1/auth/me");
    assert_string_equal(reason(b), "missing");
    json_decref(b);
}

static void an_address_that_guesses_waits(void **state)
{
    struct api_rig *g = *state;
    g->api_options.logins_per_minute = 2;
    api_rig_restart(g);
    for (int i = 0; i < 2; i++) {
        json_decref(test_send(g->client, 401, "POST", "/api/v1/auth/login",
                              LOGIN("nobody@rig.test", "Wrong-2026-no")));
    }
    const struct test_ask ask = {.method = "POST",
                                 .path = "/api/v1/auth/login",
                                 .json = LOGIN("admin@rig.test", API_RIG_PASSWORD)};
    struct test_reply r = test_call(g->client, &ask);
    assert_int_equal(r.status, 429);
    const char *after = test_field(&r, "Retry-After");
    assert_non_null(after);
    assert_in_range(strtol(after, NULL, 10), 50, 60);
    assert_string_equal(text(r.json, "code"), "RateLimitException");
    test_reply_clear(&r);
}

static void a_token_refreshes_once(void **state)
{
    struct api_rig *g = *state;
    char body[600];
    json_t *o = test_send(g->client, 200, "POST", "/api/v1/auth/login",
                          LOGIN("viewer@rig.test", API_RIG_PASSWORD));
    (void)snprintf(body, sizeof(body), "{\"refresh_token\":\"%s\"}", text(o, "refresh_token"));
    json_t *next = test_send(g->client, 200, "POST", "/api/v1/auth/refresh", body);
    test_client_token(g->client, text(next, "access_token"));
    json_decref(test_get(g->client, 200, "/api/v1/auth/me"));
    /* the old one again: somebody else has a copy, everything of this sign-in ends */
    test_client_token(g->client, NULL);
    json_decref(test_send(g->client, 401, "POST", "/api/v1/auth/refresh", body));
    (void)snprintf(body, sizeof(body), "{\"refresh_token\":\"%s\"}", text(next, "refresh_token"));
    json_decref(test_send(g->client, 401, "POST", "/api/v1/auth/refresh", body));
    json_decref(next);
    json_decref(o);
}

/* Value of a cookie in the head of a reply, in ret. */
static void cookie(const struct test_reply *r, const char *name, char *ret, size_t room)
{
    char start[64];
    (void)snprintf(start, sizeof(start), "%s=", name);
    const char *at = strstr(r->fields, start);
    assert_non_null(at);
    at += strlen(start);
    (void)snprintf(ret, room, "%.*s", (int)strcspn(at, ";\r\n"), at);
}

static void a_page_keeps_its_session_in_a_cookie(void **state)
{
    struct api_rig *g = *state;
    char refresh[100];
    char csrf[100];
    char both[300];
    char header[200];
    struct test_ask ask = {.method = "POST",
                           .path = "/api/v1/auth/login",
                           .json = LOGIN("viewer@rig.test", API_RIG_PASSWORD),
                           .header = {"X-Session: cookie"}};
    struct test_reply r = test_call(g->client, &ask);
    assert_int_equal(r.status, 200);
    assert_true(json_is_null(json_object_get(r.json, "refresh_token")));
    assert_non_null(
        strstr(r.fields, "Path=/api/v1/auth; Max-Age=604800; SameSite=Strict; HttpOnly"));
    cookie(&r, "demeter_refresh", refresh, sizeof(refresh));
    cookie(&r, "demeter_csrf", csrf, sizeof(csrf));
    assert_int_equal(strlen(refresh), PASSWORD_SECRET_SIZE - 1);
    char token[JWT_TEXT_MAX];
    (void)snprintf(token, sizeof(token), "%s", text(r.json, "access_token"));
    test_reply_clear(&r);
    /* another site can make the browser send the cookie, but not the header */
    (void)snprintf(both, sizeof(both), "Cookie: demeter_csrf=%s; demeter_refresh=%s", csrf,
                   refresh);
    ask = (struct test_ask){
        .method = "POST", .path = "/api/v1/auth/refresh", .header = {both, "X-Session: cookie"}};
    r = test_call(g->client, &ask);
    assert_int_equal(r.status, 403);
    assert_string_equal(text(r.json, "rule"), "CSRF");
    test_reply_clear(&r);
    (void)snprintf(header, sizeof(header), "X-CSRF-Token: %s", csrf);
    ask.header[2] = header;
    r = test_call(g->client, &ask);
    assert_int_equal(r.status, 200);
    cookie(&r, "demeter_refresh", refresh, sizeof(refresh));
    cookie(&r, "demeter_csrf", csrf, sizeof(csrf));
    test_reply_clear(&r);
    /* signing out takes both away */
    test_client_token(g->client, token);
    ask.path = "/api/v1/auth/logout";
    (void)snprintf(both, sizeof(both), "Cookie: demeter_refresh=%s", refresh);
    r = test_call(g->client, &ask); /* the token of the session before does not fit */
    assert_int_equal(r.status, 403);
    test_reply_clear(&r);
    (void)snprintf(header, sizeof(header), "X-CSRF-Token: %s", csrf);
    r = test_call(g->client, &ask);
    assert_int_equal(r.status, 200);
    assert_non_null(strstr(r.fields, "demeter_refresh=; Path=/api/v1/auth; Max-Age=0"));
    test_reply_clear(&r);
}

static void the_own_account_is_changed(void **state)
{
    struct api_rig *g = *state;
    api_rig_as(g, INV_VIEWER);
    json_t *o = test_send(g->client, 200, "PATCH", "/api/v1/auth/me",
                          "{\"first_name\":\"Ana\",\"preferences\":{\"language\":\"es\"}}");
    assert_string_equal(text(o, "first_name"), "Ana");
    assert_string_equal(text(json_object_get(o, "preferences"), "language"), "es");
    json_decref(o);
    json_decref(
        test_send(g->client, 409, "PATCH", "/api/v1/auth/me", "{\"email\":\"admin@rig.test\"}"));
    static const char *const path = "/api/v1/auth/change-password";
    o = test_send(g->client, 400, "POST", path,
                  "{\"current_password\":\"" API_RIG_PASSWORD "\",\"new_password\":\"short\"}");
    assert_string_equal(text(o, "rule"), "PASSWORD_RULE");
    json_decref(o);
    json_decref(test_send(g->client, 401, "POST", path,
                          "{\"current_password\":\"x\",\"new_password\":\"Helecho-2026-ok\"}"));
    json_decref(test_send(g->client, 200, "POST", path,
                          "{\"current_password\":\"" API_RIG_PASSWORD
                          "\",\"new_password\":\"Helecho-2026-ok\"}"));
    json_decref(test_get(g->client, 401, "/api/v1/auth/me")); /* all sessions ended */
    test_client_token(g->client, NULL);
    json_decref(test_send(g->client, 200, "POST", "/api/v1/auth/login",
                          LOGIN("viewer@rig.test", "Helecho-2026-ok")));
    json_decref(test_get(g->client, 200, "/api/v1/auth/password-requirements"));
}

static void who_signs_in_elsewhere_has_no_password(void **state)
{
    struct api_rig *g = *state;
    struct dm_err e = {0};
    const struct inv_ctx c = api_rig_ctx(g, INV_ADMIN);
    const struct user_external x = {.provider = "auth0",
                                    .subject = "auth0|9",
                                    .email = "eva@vivero.test",
                                    .first_name = "Eva",
                                    .last_name = "Sosa",
                                    .role = INV_VIEWER};
    struct refresh refresh;
    struct user u;
    const char *token = NULL;
    char path[80];
    assert_ok(user_sign_in_external(&c, &x, &g->a, &u, &e), &e);
    assert_ok(refresh_issue(&c, u.id, 0, &refresh, &e), &e);
    assert_ok(sign_in_access(g->sign_in, &c, &u, refresh.id, &g->a, &token, &e), &e);
    test_client_token(g->client, token);
    json_decref(test_send(g->client, 409, "POST", "/api/v1/auth/change-password",
                          "{\"current_password\":\"x\",\"new_password\":\"Helecho-2026-ok\"}"));
    api_rig_as(g, INV_ADMIN);
    (void)snprintf(path, sizeof(path), "/api/v1/users/%lld/reset-password", (long long)u.id);
    json_decref(test_send(g->client, 409, "POST", path, NULL));
}

static void a_ticket_is_for_a_path(void **state)
{
    struct api_rig *g = *state;
    api_rig_as(g, INV_VIEWER);
    json_t *o = test_send(g->client, 200, "POST", "/api/v1/auth/stream-ticket",
                          "{\"path\":\"/api/v1/events\"}");
    assert_int_equal(strlen(text(o, "ticket")), PASSWORD_SECRET_SIZE - 1);
    json_decref(o);
    json_decref(
        test_send(g->client, 422, "POST", "/api/v1/auth/stream-ticket", "{\"path\":\"events\"}"));
}

static void without_an_issuer_or_a_secret(void **state)
{
    struct api_rig *g = *state;
    json_decref(test_get(g->client, 503, "/api/v1/auth/public-key"));
    g->sign_in_options.secret = NULL;
    g->sign_in_options.open = true;
    api_rig_restart(g);
    json_decref(test_send(g->client, 501, "POST", "/api/v1/auth/login",
                          LOGIN("viewer@rig.test", API_RIG_PASSWORD)));
    json_decref(test_send(g->client, 501, "POST", "/api/v1/auth/refresh", NULL));
    json_decref(test_send(g->client, 501, "POST", "/api/v1/auth/accept-invite",
                          "{\"token\":\"xxxxxxxxxxxxxxxxxxxxxxxx\",\"password\":\"x\"}"));
    /* nobody asks who it is, but for who it is */
    json_decref(test_get(g->client, 200, "/api/v1/users"));
    json_decref(test_get(g->client, 401, "/api/v1/auth/me"));
    test_client_token(g->client, "nonsense");
    json_decref(test_get(g->client, 401, "/api/v1/users"));
    /* an issuer that is away: its address answers with nothing */
    struct dm_err e = {0};
    struct oidc *oidc = NULL;
    const struct oidc_options o = {
        .issuer = "http://127.0.0.1:9/", .audience = "a", .algs = 1U << JWT_RS256};
    assert_ok(oidc_new(&o, &oidc, &e), &e);
    g->sign_in_options.oidc = oidc;
    g->api_options.oidc_domain = "tenant.test";
    api_rig_restart(g);
    json_decref(test_get(g->client, 503, "/api/v1/auth/public-key"));
    struct oidc *fixed = NULL;
    struct oidc_options with = o;
    with.jwks_uri = "https://tenant.test/.well-known/jwks.json";
    assert_ok(oidc_new(&with, &fixed, &e), &e);
    g->sign_in_options.oidc = fixed;
    api_rig_restart(g);
    json_t *key = test_get(g->client, 200, "/api/v1/auth/public-key");
    assert_string_equal(text(key, "jwks_uri"), with.jwks_uri);
    assert_string_equal(text(key, "domain"), "tenant.test");
    json_decref(key);
    g->sign_in_options.oidc = NULL;
    api_rig_restart(g);
    oidc_free(oidc);
    oidc_free(fixed);
}

static void the_first_administrator_sets_up(void **state)
{
    struct api_rig *g = *state;
    struct dm_err e = {0};
    struct inv_ctx admin = api_rig_ctx(g, INV_ADMIN);
    char secret[PASSWORD_SECRET_SIZE];
    char body[400];
    static const char *const form =
        "{\"token\":\"%s\",\"email\":\"Eva@Vivero.test\",\"first_name\":\"Eva\",\"last_name\":"
        "\"Sosa\",\"password\":\"%s\"}";
    json_decref(test_get(g->client, 410, "/api/v1/setup"));
    (void)snprintf(body, sizeof(body), form, "xxxxxxxxxxxxxxxxxxxxxxxx", API_RIG_PASSWORD);
    json_decref(test_send(g->client, 410, "POST", "/api/v1/setup", body));
    {
        DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
        static const struct store_query demote = {
            "test.demote", "UPDATE users SET role = 'viewer' WHERE NOT is_system", "", "", true};
        assert_ok(store_begin(g->db->store, STORE_WRITE, &tx, &e), &e);
        assert_ok(store_exec(tx, &demote, STORE_NO_ARGS, NULL, &e), &e);
        assert_ok(store_commit(&tx, &e), &e);
    }
    assert_ok(link_setup(&admin, secret, &e), &e);
    char header[100];
    (void)snprintf(header, sizeof(header), "X-Setup-Token: %s", secret);
    const struct test_ask ask = {.method = "GET", .path = "/api/v1/setup", .header = {header}};
    struct test_reply r = test_call(g->client, &ask);
    assert_true(json_is_true(json_object_get(r.json, "valid")));
    test_reply_clear(&r);
    json_decref(test_send(g->client, 401, "POST", "/api/v1/setup", body));
    (void)snprintf(body, sizeof(body),
                   "{\"token\":\"%s\",\"email\":\"viewer@rig.test\",\"first_name\":\"V\","
                   "\"last_name\":\"W\",\"password\":\"" API_RIG_PASSWORD "\"}",
                   secret);
    json_decref(test_send(g->client, 409, "POST", "/api/v1/setup", body));
    g->sign_in_options.secret = NULL;
    api_rig_restart(g);
    json_decref(test_send(g->client, 501, "POST", "/api/v1/setup", body));
    g->sign_in_options.secret = api_rig_secret;
    api_rig_restart(g);
    (void)snprintf(body, sizeof(body), form, secret, "short");
    json_decref(test_send(g->client, 400, "POST", "/api/v1/setup", body));
    (void)snprintf(body, sizeof(body), form, secret, API_RIG_PASSWORD);
    json_t *o = test_send(g->client, 200, "POST", "/api/v1/setup", body);
    test_client_token(g->client, text(o, "access_token"));
    json_decref(test_get(g->client, 200, "/api/v1/users"));
    json_decref(test_send(g->client, 410, "POST", "/api/v1/setup", body));
    json_decref(o);
}

static void requests_are_counted(void **state)
{
    struct api_rig *g = *state;
    struct dm_err e = {0};
    struct telemetry *t = NULL;
    assert_ok(telemetry_new("0.0.0", "test", &t, &e), &e);
    g->api_options.telemetry = t;
    api_rig_restart(g);
    api_rig_as(g, INV_ADMIN);
    json_decref(test_get(g->client, 404, "/api/v1/users/999999"));
    json_decref(test_get(g->client, 200, "/api/v1/users?q=rig"));
    json_decref(test_get(g->client, 404, "/api/v1/nothing"));
    json_decref(test_get(g->client, 200, "/health"));
    const struct test_ask ask = {.method = "GET", .path = "/metrics"};
    static const char *const wanted[] = {
        "demeter_api_request_duration_seconds_count{method=\"GET\",endpoint=\"/api/v1/users\","
        "status=\"success\"} 1\n",
        "demeter_api_request_errors_total{method=\"GET\",endpoint=\"/api/v1/users/{user_id}\","
        "error_type=\"NotFoundException\",status=\"404\"} 1\n",
        "endpoint=\"unmatched\",error_type=\"RouteNotFound\",status=\"404\"} 1\n",
        "demeter_db_connection_pool_size ",
        "demeter_jobs_queue_depth{queue=\"io_queue\"} 0\n",
    };
    struct test_reply r = test_call(g->client, &ask);
    for (size_t i = 0; i < DM_COUNT(wanted); i++) {
        if (!strstr(r.body, wanted[i])) {
            fail_msg("no %s in %s", wanted[i], r.body);
        }
    }
    assert_null(strstr(r.body, "endpoint=\"/health\""));
    test_reply_clear(&r);
    g->api_options.telemetry = NULL;
    api_rig_restart(g);
    telemetry_free(t);
}

static void health_is_told(void **state)
{
    struct api_rig *g = *state;
    static const char *const live[] = {"/health", "/health/live", "/livez"};
    static const char *const ready[] = {"/health/ready", "/readyz", "/ready"};
    for (size_t i = 0; i < DM_COUNT(live); i++) {
        json_t *o = test_get(g->client, 200, live[i]);
        char *all = json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS);
        assert_string_equal(all, "{\"service\":\"DemeterAI v2.0\",\"status\":\"healthy\"}");
        free(all);
        json_decref(o);
    }
    for (size_t i = 0; i < DM_COUNT(ready); i++) {
        json_t *o = test_get(g->client, 200, ready[i]);
        assert_string_equal(text(o, "database"), "connected");
        assert_string_equal(text(o, "redis"), "disabled");
        json_decref(o);
    }
    json_t *front = test_get(g->client, 200, "/");
    assert_string_equal(text(front, "health"), "/health");
    json_decref(front);
    const struct test_ask page = {.method = "GET", .path = "/", .header = {"Accept: text/html"}};
    struct test_reply r = test_call(g->client, &page);
    if (page_exists()) { /* it was built into this program */
        assert_int_equal(r.status, 200);
        assert_non_null(strstr(test_field(&r, "Content-Type"), "text/html"));
    } else {
        assert_int_equal(r.status, 307);
        assert_string_equal(test_field(&r, "Location"), "/docs");
    }
    test_reply_clear(&r);
    (void)test_get(g->client, 200, "/metrics");
    g->api_options.metrics_token = "prometheus-secret";
    api_rig_restart(g);
    json_decref(test_get(g->client, 401, "/metrics"));
    test_client_token(g->client, "prometheus-secreT");
    json_decref(test_get(g->client, 401, "/metrics"));
    test_client_token(g->client, "prometheus-secret");
    (void)test_get(g->client, 200, "/metrics");
    test_client_token(g->client, NULL);
    api_drain(g->api);
    json_t *o = test_get(g->client, 503, "/health/ready");
    assert_string_equal(text(o, "status"), "unhealthy");
    json_decref(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        API_TEST(me_is_who_signed_in),
        API_TEST(bad_credentials_tell_nothing),
        API_TEST_SQLITE(an_address_that_guesses_waits),
        API_TEST(a_token_refreshes_once),
        API_TEST(a_page_keeps_its_session_in_a_cookie),
        API_TEST(the_own_account_is_changed),
        API_TEST_SQLITE(who_signs_in_elsewhere_has_no_password),
        API_TEST(a_ticket_is_for_a_path),
        API_TEST_SQLITE(without_an_issuer_or_a_secret),
        API_TEST(the_first_administrator_sets_up),
        API_TEST_SQLITE(requests_are_counted),
        API_TEST(health_is_told),
    };
    return api_rig_main(tests);
}
