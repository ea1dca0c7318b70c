/* SPDX-License-Identifier: Apache-2.0
 *
 * Who is calling: our own tokens and those of scripts, on both engines. Tokens of an issuer are
 * tried against a real one in tests/contract/oidc. */
#include "support/books.h"

#include <string.h>

#include <sodium.h>

#include "api/principal.h"

#define GOOD "Cactus-2026-ok"

static const unsigned char secret[] = "a secret of thirty-two bytes, or more";

struct rig {
    struct inv_settings settings;
    struct inv_ctx admin, nobody;
    struct sign_in *s;
    struct user oscar;
    struct dm_arena a;
    struct dm_err e;
};

static void rig_begin(struct rig *g, struct db *db)
{
    const struct sign_in_options o = {
        .secret = secret, .n_secret = sizeof(secret) - 1, .access_s = 900, .refresh_s = 604800};
    int64_t id;
    *g = (struct rig){0};
    books_tiny(db->store);
    g->admin = books_ctx(db->store, &g->settings);
    g->nobody = g->admin;
    g->nobody.user_id = 0;
    const struct user_new n = {.email = "oscar@vivero.test",
                               .first_name = "Oscar",
                               .last_name = "Funes",
                               .role = INV_WORKER,
                               .password = GOOD};
    assert_ok(user_add(&g->admin, &n, &id, &g->e), &g->e);
    assert_ok(user_get(&g->admin, id, &g->a, &g->oscar, &g->e), &g->e);
    assert_ok(sign_in_new(&o, &g->s, &g->e), &g->e);
}

static void rig_end(struct rig *g)
{
    sign_in_free(g->s);
    dm_arena_clear(&g->a);
}

static const char *access_of(struct rig *g, struct refresh *r)
{
    const char *token = NULL;
    assert_ok(refresh_issue(&g->nobody, g->oscar.id, 0, r, &g->e), &g->e);
    assert_ok(sign_in_access(g->s, &g->nobody, &g->oscar, r->id, &g->a, &token, &g->e), &g->e);
    return token;
}

static const char *refusal(struct rig *g, const struct inv_ctx *c, const char *token)
{
    struct principal p;
    g->e = (struct dm_err){0};
    assert_int_equal(sign_in_check(g->s, c, token, &p, &g->e), INV_UNAUTHENTICATED);
    return g->e.field[0].s;
}

static void an_access_token_is_its_user(void **state)
{
    struct rig g;
    struct refresh r;
    struct principal p;
    rig_begin(&g, *state);
    const char *token = access_of(&g, &r);
    for (int i = 0; i < 2; i++) { /* looked up, then remembered */
        memset(&p, 0, sizeof(p));
        assert_ok(sign_in_check(g.s, &g.nobody, token, &p, &g.e), &g.e);
        assert_int_equal(p.kind, PRINCIPAL_LOCAL);
        assert_int_equal(p.user_id, g.oscar.id);
        assert_int_equal(p.role, INV_WORKER);
        assert_int_equal(p.session_id, r.id);
        assert_int_equal(p.expires_s - p.issued_s, 900);
        assert_string_equal(p.email, "oscar@vivero.test");
    }
    struct inv_ctx later = g.nobody;
    later.now_ms += 900 * 1000;
    assert_string_equal(refusal(&g, &later, token), "expired");
    rig_end(&g);
}

static void a_session_ends_everywhere(void **state)
{
    struct rig g;
    struct refresh r;
    struct refresh next;
    struct principal p;
    struct user u;
    rig_begin(&g, *state);
    const char *token = access_of(&g, &r);
    assert_ok(sign_in_check(g.s, &g.nobody, token, &p, &g.e), &g.e);
    /* refreshing does not end the access token that is still in use */
    assert_ok(refresh_rotate(&g.nobody, r.text, 0, &g.a, &next, &u, &g.e), &g.e);
    sign_in_forget(g.s, g.oscar.id);
    assert_ok(sign_in_check(g.s, &g.nobody, token, &p, &g.e), &g.e);
    /* signing out does: at once where it was done, after a while elsewhere */
    struct inv_ctx self = g.nobody;
    self.user_id = g.oscar.id;
    assert_ok(refresh_end(&self, r.id, &g.e), &g.e);
    assert_ok(sign_in_check(g.s, &g.nobody, token, &p, &g.e), &g.e); /* remembered */
    struct inv_ctx later = g.nobody;
    later.now_ms += PRINCIPAL_FRESH_MS;
    assert_string_equal(refusal(&g, &later, token), "revoked");
    sign_in_forget(g.s, g.oscar.id);
    assert_string_equal(refusal(&g, &g.nobody, token), "revoked");
    rig_end(&g);
}

static void roles_and_people_change(void **state)
{
    struct rig g;
    struct refresh r;
    struct principal p;
    rig_begin(&g, *state);
    const char *token = access_of(&g, &r);
    assert_ok(sign_in_check(g.s, &g.nobody, token, &p, &g.e), &g.e);
    const struct user_change leave = {.role = INV_ROLE_MAX_, .active = 0};
    assert_ok(user_change(&g.admin, g.oscar.id, &leave, &g.e), &g.e);
    sign_in_forget(g.s, 0);
    assert_string_equal(refusal(&g, &g.nobody, token), "inactive_user");
    rig_end(&g);
}

static void a_script_has_its_scopes(void **state)
{
    struct rig g;
    char token[TOKEN_TEXT_SIZE];
    int64_t id;
    struct principal p;
    rig_begin(&g, *state);
    struct inv_ctx self = g.nobody;
    self.user_id = g.oscar.id;
    self.role = INV_WORKER;
    assert_ok(token_issue(&self, "Balanza", TOKEN_READ, 0, token, &id, &g.e), &g.e);
    assert_ok(sign_in_check(g.s, &g.nobody, token, &p, &g.e), &g.e);
    assert_int_equal(p.kind, PRINCIPAL_TOKEN);
    assert_int_equal(p.scopes, TOKEN_READ);
    assert_int_equal(p.user_id, g.oscar.id);
    token[10] = token[10] == 'x' ? 'y' : 'x';
    assert_string_equal(refusal(&g, &g.nobody, token), "bad_credentials");
    rig_end(&g);
}

/* A token of ours, with one thing changed. */
static const char *made(struct rig *g, const void *key, size_t n_key, const char *name,
                        json_t *take_value)
{
    const char *token = NULL;
    char sub[40];
    struct refresh r;
    assert_ok(refresh_issue(&g->nobody, g->oscar.id, 0, &r, &g->e), &g->e);
    (void)snprintf(sub, sizeof(sub), "local|%lld", (long long)g->oscar.id);
    const json_int_t now = g->nobody.now_ms / 1000;
    json_t *claims = json_pack("{s:s, s:s, s:s, s:I, s:I, s:s, s:I}", "iss", PRINCIPAL_ISSUER,
                               "aud", PRINCIPAL_AUDIENCE, "sub", sub, "iat", now, "exp", now + 900,
                               "typ", "access", "fam", r.id);
    if (name) {
        assert_int_equal(json_object_set_new(claims, name, take_value), 0);
    }
    assert_ok(jwt_make(claims, key, n_key, &g->a, &token, &g->e), &g->e);
    json_decref(claims);
    return token;
}

static void forged_tokens_are_refused(void **state)
{
    struct rig g;
    struct principal p;
    rig_begin(&g, *state);
    const size_t n = sizeof(secret) - 1;
    const struct {
        const char *name;
        json_t *value;
        const char *reason;
    } bad[] = {
        {"iss", json_string("https://evil.test/"), "wrong_issuer"},
        {"aud", json_string("another"), "wrong_audience"},
        {"typ", json_string("refresh"), "malformed"},
        {"typ", json_null(), "malformed"},
        {"sub", json_string("local|"), "malformed"},
        {"sub", json_string("local|1x"), "malformed"},
        {"sub", json_string("local|-1"), "malformed"},
        {"sub", json_string("auth0|1"), "malformed"},
        {"sub", json_string("local|999999"), "inactive_user"},
        {"fam", json_integer(999999), "revoked"},
        {"fam", json_null(), "revoked"},
        {"exp", json_integer(g.nobody.now_ms / 1000), "expired"},
        {"iat", json_integer(g.nobody.now_ms / 1000 + 5), "expired"},
    };
    assert_ok(sign_in_check(g.s, &g.nobody, made(&g, secret, n, NULL, NULL), &p, &g.e), &g.e);
    assert_string_equal(
        refusal(&g, &g.nobody, made(&g, "another secret of enough bytes..", 32, NULL, NULL)),
        "bad_signature");
    for (size_t i = 0; i < DM_COUNT(bad); i++) {
        assert_string_equal(refusal(&g, &g.nobody, made(&g, secret, n, bad[i].name, bad[i].value)),
                            bad[i].reason);
    }
    assert_string_equal(refusal(&g, &g.nobody, "nonsense"), "malformed");
    assert_int_equal(sign_in_nobody(g.s, &g.nobody, &p, NULL), INV_UNAUTHENTICATED);
    rig_end(&g);
}

static void settings_decide(void **state)
{
    struct rig g;
    struct principal p;
    struct sign_in *s = NULL;
    const char *csrf = NULL;
    rig_begin(&g, *state);
    struct sign_in_options o = {.secret = secret, .n_secret = 31};
    assert_int_equal(sign_in_new(&o, &s, NULL), DM_EBADINPUT);
    o = (struct sign_in_options){.open = true};
    const char *token = made(&g, secret, sizeof(secret) - 1, NULL, NULL);
    assert_ok(sign_in_new(&o, &s, &g.e), &g.e);
    assert_int_equal(sign_in_check(s, &g.nobody, token, &p, NULL), INV_UNAUTHENTICATED);
    assert_ok(sign_in_nobody(s, &g.nobody, &p, &g.e), &g.e);
    assert_int_equal(p.role, INV_ADMIN);
    assert_int_equal(p.kind, PRINCIPAL_OPEN);
    sign_in_free(s);
    assert_ok(sign_in_csrf(g.s, "refresh-one", &g.a, &csrf, &g.e), &g.e);
    assert_true(sign_in_csrf_fits(g.s, "refresh-one", csrf));
    assert_false(sign_in_csrf_fits(g.s, "refresh-two", csrf));
    assert_false(sign_in_csrf_fits(g.s, "refresh-one", ""));
    assert_false(sign_in_csrf_fits(g.s, "refresh-one", NULL));
    rig_end(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DB_TEST(an_access_token_is_its_user), DB_TEST(a_session_ends_everywhere),
        DB_TEST(roles_and_people_change),     DB_TEST(a_script_has_its_scopes),
        DB_TEST(forged_tokens_are_refused),   DB_TEST(settings_decide),
    };
    inv_setup();
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
