/* SPDX-License-Identifier: Apache-2.0
 *
 * Signing in at a real OpenID provider (npm oidc-provider, started here): good tokens of both
 * algorithms, rotated and hidden keys, every kind of bad one, what becomes of the users. The clock
 * is given, so nothing waits for a token to expire. */
#include "support/books.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <curl/curl.h>
#include <sodium.h>

#include "api/principal.h"
#include "base/buf.h"

#define AUDIENCE    "https://api.demeter.test/rs256"
#define AUDIENCE_ES "https://api.demeter.test/es256"

static struct {
    pid_t pid;
    int input; /* the provider ends when it is closed */
    char base[64];
    const char *script;
} provider;

/* ---- the provider ---------------------------------------------------------------------------- */

static void provider_start(void)
{
    int in[2];
    int out[2];
    unsigned port = 0;
    assert_int_equal(pipe(in), 0);
    assert_int_equal(pipe(out), 0);
    provider.pid = fork();
    assert_true(provider.pid >= 0);
    if (provider.pid == 0) {
        (void)dup2(in[0], STDIN_FILENO);
        (void)dup2(out[1], STDOUT_FILENO);
        (void)close(in[1]);
        (void)execlp("node", "node", provider.script, (char *)NULL);
        _exit(127);
    }
    (void)close(in[0]);
    (void)close(out[1]);
    provider.input = in[1];
    FILE *said = fdopen(out[0], "r");
    char line[300];
    assert_non_null(said);
    while (!port && fgets(line, sizeof(line), said)) {
        (void)sscanf(line, "ready %u", &port); // NOLINT(cert-err34-c)
    }
    assert_true(port > 0); /* else node or the package is missing: scripts/deps */
    (void)snprintf(provider.base, sizeof(provider.base), "http://127.0.0.1:%u", port);
    /* its pipe stays open: a provider that cannot write would stop */
}

static void provider_stop(void)
{
    if (provider.pid > 0) {
        (void)close(provider.input);
        (void)kill(provider.pid, SIGKILL);
        (void)waitpid(provider.pid, NULL, 0);
        provider.pid = 0;
    }
}

static size_t on_body(char *bytes, size_t size, size_t n, void *ctx)
{
    dm_buf_append(ctx, bytes, size * n);
    return size * n;
}

/* POST, into a; fails the test unless it answers 200. */
static const char *post(const char *path, const char *body, const char *user, struct dm_arena *a)
{
    DM_CLEANUP(dm_buf_clear) struct dm_buf answer = dm_buf_init((size_t)1 << 16);
    char url[128];
    long status = 0;
    CURL *h = curl_easy_init();
    (void)snprintf(url, sizeof(url), "%s%s", provider.base, path);
    (void)curl_easy_setopt(h, CURLOPT_URL, url);
    (void)curl_easy_setopt(h, CURLOPT_POSTFIELDS, body);
    if (user) {
        (void)curl_easy_setopt(h, CURLOPT_USERPWD, user);
    }
    (void)curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(h, CURLOPT_WRITEDATA, &answer);
    assert_int_equal(curl_easy_perform(h), CURLE_OK);
    (void)curl_easy_getinfo(h, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_cleanup(h);
    if (status != 200) {
        fail_msg("%s answers %ld: %s", path, status, dm_buf_str(&answer));
    }
    return dm_arena_strdup(a, dm_buf_str(&answer));
}

/* ---- a nursery ------------------------------------------------------------------------------- */

struct rig {
    struct inv_settings settings;
    struct inv_ctx admin, c; /* c: nobody yet */
    struct oidc *oidc;
    struct sign_in *s;
    struct dm_arena a;
    struct dm_err e;
};

static void rig_oidc(struct rig *g, const char *audience, int64_t refetch_ms)
{
    const struct oidc_options o = {.issuer = provider.base,
                                   .audience = audience,
                                   .algs = 1U << JWT_RS256 | 1U << JWT_ES256,
                                   .roles_claim = "https://demeter.ai/roles",
                                   .refetch_ms = refetch_ms};
    sign_in_free(g->s);
    oidc_free(g->oidc);
    g->s = NULL;
    g->oidc = NULL;
    assert_ok(oidc_new(&o, &g->oidc, &g->e), &g->e);
    const struct sign_in_options so = {.oidc = g->oidc, .access_s = 900, .refresh_s = 604800};
    assert_ok(sign_in_new(&so, &g->s, &g->e), &g->e);
}

static void rig_begin(struct rig *g, struct db *db)
{
    *g = (struct rig){0};
    books_tiny(db->store);
    g->admin = books_ctx(db->store, &g->settings);
    g->c = g->admin;
    g->c.user_id = 0;
    rig_oidc(g, AUDIENCE, 0);
}

static void rig_end(struct rig *g)
{
    (void)post("/test/show", "", NULL, &g->a);
    sign_in_free(g->s);
    oidc_free(g->oidc);
    dm_arena_clear(&g->a);
}

/* A token as the provider gives it out, with these claims besides its own. */
static const char *token(struct rig *g, const char *audience, const char *claims)
{
    char form[300];
    (void)post("/test/claims", claims, NULL, &g->a);
    (void)snprintf(form, sizeof(form), "grant_type=client_credentials&scope=api&resource=%s",
                   audience);
    const char *answer = post("/token", form, "tests:tests-secret-tests-secret-tests-sec", &g->a);
    json_t *o = json_loads(answer, 0, NULL);
    const char *text = json_string_value(json_object_get(o, "access_token"));
    assert_non_null(text);
    text = dm_arena_strdup(&g->a, text);
    json_decref(o);
    return text;
}

#define EVA "{\"email\":\"Eva@Vivero.test\",\"https://demeter.ai/roles\":[\"worker\"]}"

/* One of provider.mjs's forgeries, of a token with one claim changed (JSON, NULL for none). */
static const char *forged(struct rig *g, const char *kind, const char *sub, const char *name,
                          const char *value)
{
    char claims[900];
    char all[1200];
    const long long now = g->c.now_ms / 1000;
    (void)snprintf(claims, sizeof(claims),
                   "{\"iss\":\"%s\",\"aud\":\"" AUDIENCE "\",\"sub\":\"%s\",\"email\":"
                   "\"%s@vivero.test\",\"iat\":%lld,\"exp\":%lld}",
                   provider.base, sub, sub, now - 1, now + 300);
    json_t *o = json_loads(claims, 0, NULL);
    if (value) {
        assert_int_equal(json_object_set_new(o, name, json_loads(value, JSON_DECODE_ANY, NULL)), 0);
    } else if (name) {
        (void)json_object_del(o, name);
    }
    char *text = json_dumps(o, 0);
    (void)snprintf(all, sizeof(all), "{\"kind\":\"%s\",\"claims\":%s}", kind, text);
    free(text);
    json_decref(o);
    return post("/test/forge", all, NULL, &g->a);
}

static struct principal accepted(struct rig *g, const char *text)
{
    struct principal p = {0};
    assert_ok(sign_in_check(g->s, &g->c, text, &p, &g->e), &g->e);
    return p;
}

static const char *refusal(struct rig *g, const char *text)
{
    struct principal p;
    g->e = (struct dm_err){0};
    const int code = sign_in_check(g->s, &g->c, text, &p, &g->e);
    if (code != INV_UNAUTHENTICATED) {
        fail_msg("code %d: %s", code, dm_err_text(&g->e));
    }
    return g->e.field[0].s;
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void the_first_token_makes_a_user(void **state)
{
    struct rig g;
    struct user u;
    rig_begin(&g, *state);
    const char *first = token(&g, AUDIENCE, EVA);
    struct principal p = accepted(&g, first);
    assert_int_equal(p.kind, PRINCIPAL_OIDC);
    assert_int_equal(p.role, INV_WORKER);
    assert_string_equal(p.email, "eva@vivero.test");
    assert_ok(user_get(&g.c, p.user_id, &g.a, &u, &g.e), &g.e);
    assert_string_equal(u.first_name, "Eva");
    assert_string_equal(u.provider, "auth0");
    assert_false(u.has_password);
    assert_int_equal(oidc_fetches(g.oidc), 2); /* discovery, keys */
    /* ES256 of the same issuer, the same person; the role follows */
    rig_oidc(&g, AUDIENCE_ES, 0);
    struct principal q = accepted(
        &g, token(&g, AUDIENCE_ES,
                  "{\"email\":\"eva@vivero.test\",\"https://demeter.ai/roles\":[\"viewer\","
                  "\"supervisor\",\"gardener\"],\"roles\":[\"admin\"]}"));
    assert_int_equal(q.user_id, p.user_id);
    assert_int_equal(q.role, INV_SUPERVISOR);
    /* roles that nobody knows: only the own account; no claim: the role of the row */
    sign_in_forget(g.s, 0);
    q = accepted(
        &g, token(&g, AUDIENCE_ES, "{\"email\":\"eva@vivero.test\",\"roles\":[\"gardener\"]}"));
    assert_int_equal(q.role, INV_ROLE_MAX_);
    q = accepted(&g, token(&g, AUDIENCE_ES, "{\"email\":\"eva@vivero.test\"}"));
    assert_int_equal(q.role, INV_SUPERVISOR);
    const struct user_change leave = {.role = INV_ROLE_MAX_, .active = 0};
    assert_ok(user_change(&g.admin, p.user_id, &leave, &g.e), &g.e);
    sign_in_forget(g.s, p.user_id);
    assert_string_equal(refusal(&g, token(&g, AUDIENCE_ES, EVA)), "inactive_user");
    rig_end(&g);
}

static void an_account_with_the_address_is_linked_when_it_is_verified(void **state)
{
    struct rig g;
    struct principal p;
    int64_t id;
    rig_begin(&g, *state);
    const struct user_new n = {.email = "ana@vivero.test",
                               .first_name = "Ana",
                               .last_name = "Rossi",
                               .role = INV_SUPERVISOR,
                               .password = "Cactus-2026-ok"};
    assert_ok(user_add(&g.admin, &n, &id, &g.e), &g.e);
    assert_int_equal(sign_in_check(g.s, &g.c, forged(&g, "good", "ana", NULL, NULL), &p, NULL),
                     INV_DUPLICATE_CODE);
    p = accepted(&g, forged(&g, "good", "ana", "email_verified", "true"));
    assert_int_equal(p.user_id, id);
    assert_int_equal(p.role, INV_SUPERVISOR);
    rig_end(&g);
}

static void keys_are_rotated(void **state)
{
    struct rig g;
    rig_begin(&g, *state);
    const char *old = token(&g, AUDIENCE, EVA);
    (void)accepted(&g, old);
    assert_int_equal(oidc_fetches(g.oidc), 2);
    /* a key nobody published is asked for, but not again within the minute */
    (void)post("/test/hide", "", NULL, &g.a);
    for (int i = 0; i < 3; i++) {
        assert_string_equal(refusal(&g, token(&g, AUDIENCE, EVA)), "unknown_key");
    }
    assert_int_equal(oidc_fetches(g.oidc), 2);
    (void)post("/test/rotate", "", NULL, &g.a);
    const char *fresh = token(&g, AUDIENCE, EVA);
    assert_string_equal(refusal(&g, fresh), "unknown_key");
    assert_int_equal(oidc_fetches(g.oidc), 2);
    /* a minute of one millisecond */
    (void)post("/test/show", "", NULL, &g.a);
    rig_oidc(&g, AUDIENCE, 1);
    (void)accepted(&g, fresh);
    assert_string_equal(refusal(&g, old), "unknown_key"); /* its key is gone */
    (void)post("/test/rotate", "", NULL, &g.a);
    const uint64_t before = oidc_fetches(g.oidc);
    (void)accepted(&g, token(&g, AUDIENCE, EVA));
    assert_int_equal(oidc_fetches(g.oidc), before + 1);
    sign_in_forget(g.s, 0);
    assert_string_equal(refusal(&g, fresh), "unknown_key");
    rig_end(&g);
}

static void bad_tokens_are_refused(void **state)
{
    struct rig g;
    char late[32];
    char soon[32];
    rig_begin(&g, *state);
    const long long now = g.c.now_ms / 1000;
    (void)snprintf(late, sizeof(late), "%lld", now - 60);
    (void)snprintf(soon, sizeof(soon), "%lld", now + 62);
    const struct {
        const char *kind, *name, *value, *reason;
    } bad[] = {
        {"good", "aud", "\"https://other.test\"", "wrong_audience"},
        {"good", "iss", "\"https://evil.test/\"", "wrong_issuer"},
        {"good", "iss", "\"demeter-local\"", "bad_signature"},
        {"good", "exp", late, "expired"},
        {"good", "iat", soon, "expired"},
        {"good", "nbf", soon, "expired"},
        {"good", "exp", NULL, "malformed"},
        {"good", "email", NULL, "malformed"},
        {"good", "sub", NULL, "malformed"},
        {"no-kid", NULL, NULL, "malformed"},
        {"none", NULL, NULL, "malformed"},
        {"stripped", NULL, NULL, "bad_signature"},
        {"own-key", NULL, NULL, "bad_signature"},
        {"embedded-jwk", NULL, NULL, "bad_signature"},
        {"hs256-pem", NULL, NULL, "bad_signature"},
        {"hs256-der", NULL, NULL, "bad_signature"},
        {"hs256-jwk", NULL, NULL, "bad_signature"},
        {"hs256-empty", NULL, NULL, "bad_signature"},
        {"es-by-rsa-kid", NULL, NULL, "bad_signature"},
    };
    (void)accepted(&g, forged(&g, "good", "eva", NULL, NULL)); /* the forger can be honest */
    for (size_t i = 0; i < DM_COUNT(bad); i++) {
        const char *text = forged(&g, bad[i].kind, "eva", bad[i].name, bad[i].value);
        const char *reason = refusal(&g, text);
        if (strcmp(reason, bad[i].reason) != 0) {
            fail_msg("%s %s: %s, not %s", bad[i].kind, bad[i].name ? bad[i].name : "", reason,
                     bad[i].reason);
        }
    }
    /* a provider's own token, for another service of it */
    assert_string_equal(refusal(&g, token(&g, "https://other.test/rs256", EVA)), "wrong_audience");
    rig_end(&g);
}

static void a_provider_may_be_away(void **state)
{
    struct rig g;
    struct principal p;
    rig_begin(&g, *state);
    const char *text = token(&g, AUDIENCE, EVA);
    (void)accepted(&g, text);
    assert_true(oidc_healthy(g.oidc));
    struct rig cold = {0};
    cold.c = g.c;
    rig_oidc(&cold, AUDIENCE, 0); /* started after the provider went away */
    provider_stop();
    sign_in_forget(g.s, 0);
    (void)accepted(&g, text); /* with the keys it has */
    assert_int_equal(sign_in_check(cold.s, &cold.c, text, &p, NULL), DM_EIO);
    assert_false(oidc_healthy(cold.oidc));
    sign_in_free(cold.s);
    oidc_free(cold.oidc);
    provider_start();
    rig_end(&g);
}

static void addresses_are_checked(void **state)
{
    (void)state;
    struct oidc *o = NULL;
    static const char *const bad[] = {"http://issuer.test/",
                                      "ftp://issuer.test/",
                                      "issuer.test",
                                      "https://",
                                      "http://127.0.0.1.evil.test/",
                                      ""};
    for (size_t i = 0; i < DM_COUNT(bad); i++) {
        const struct oidc_options x = {.issuer = bad[i], .audience = "a", .algs = 1U << JWT_RS256};
        assert_int_equal(oidc_new(&x, &o, NULL), DM_EBADINPUT);
    }
    const struct oidc_options weak = {
        .issuer = "https://issuer.test/", .audience = "a", .algs = 1U << JWT_HS256};
    assert_int_equal(oidc_new(&weak, &o, NULL), DM_EBADINPUT);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        DB_TEST(the_first_token_makes_a_user),
        DB_TEST(an_account_with_the_address_is_linked_when_it_is_verified),
        DB_TEST(keys_are_rotated),
        DB_TEST(bad_tokens_are_refused),
        DB_TEST(a_provider_may_be_away),
        cmocka_unit_test(addresses_are_checked),
    };
    if (argc != 2) {
        (void)fprintf(stderr, "use tests/contract/oidc/run\n");
        return 2;
    }
    provider.script = argv[1];
    inv_setup();
    if (sodium_init() < 0) {
        return 1;
    }
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    (void)signal(SIGPIPE, SIG_IGN);
    provider_start();
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    provider_stop();
    return failed;
}
