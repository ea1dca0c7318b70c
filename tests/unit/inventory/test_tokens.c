/* SPDX-License-Identifier: Apache-2.0
 *
 * API tokens, the link for the first administrator, invitations, tickets, requests that come
 * twice. */
#include "support/books.h"

#include <string.h>

#include "base/hash.h"
#include "inventory/tokens.h"

#define GOOD "Cactus-2026-ok"

struct rig {
    struct inv_settings settings;
    struct inv_ctx admin, nobody, oscar;
    struct dm_arena a;
    struct dm_err e;
};

static void rig_begin(struct rig *g, struct db *db)
{
    *g = (struct rig){0};
    books_tiny(db->store);
    g->admin = books_ctx(db->store, &g->settings);
    g->nobody = g->admin;
    g->nobody.user_id = 0;
    g->nobody.role = INV_VIEWER;
    const struct user_new n = {.email = "oscar@vivero.test",
                               .first_name = "Oscar",
                               .last_name = "Funes",
                               .role = INV_WORKER,
                               .password = GOOD};
    g->oscar = g->admin;
    g->oscar.role = INV_WORKER;
    assert_ok(user_add(&g->admin, &n, &g->oscar.user_id, &g->e), &g->e);
}

static void in_rw(struct store *s, const char *sql)
{
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    struct dm_err e = {0};
    assert_ok(store_begin(s, STORE_WRITE, &tx, &e), &e);
    books_sql(tx, sql);
    assert_ok(store_commit(&tx, &e), &e);
}

static const char *reason(int code, struct dm_err *e)
{
    assert_int_equal(code, INV_UNAUTHENTICATED);
    assert_int_equal(e->n_fields, 1);
    assert_string_equal(e->field[0].name, "reason");
    return e->field[0].s;
}

static void a_token_works_until_it_is_ended(void **state)
{
    struct rig g;
    struct db *db = *state;
    char text[TOKEN_TEXT_SIZE];
    char hash[DM_SHA256_HEX_SIZE];
    int64_t id;
    struct token t;
    struct user u;
    rig_begin(&g, db);
    const int64_t end = g.oscar.now_ms + 1000;
    assert_ok(token_issue(&g.oscar, "Balanza", TOKEN_READ | TOKEN_STOCK, end, text, &id, &g.e),
              &g.e);
    assert_int_equal(strlen(text), TOKEN_TEXT_SIZE - 1);
    assert_ok(token_check(&g.nobody, text, &g.a, &t, &u, &g.e), &g.e);
    assert_int_equal(t.id, id);
    assert_int_equal(t.scopes, TOKEN_READ | TOKEN_STOCK);
    assert_int_equal(u.id, g.oscar.user_id);
    assert_int_equal(t.last_used_at, g.nobody.now_ms);
    assert_int_equal(strncmp(t.hint, text, strlen(t.hint)), 0);
    assert_int_equal(strlen(t.hint), 8);
    struct inv_ctx later = g.nobody;
    later.now_ms = end;
    assert_string_equal(reason(token_check(&later, text, &g.a, &t, &u, &g.e), &g.e), "expired");
    assert_string_equal(reason(token_check(&g.nobody, "dmt_unknown", &g.a, &t, &u, &g.e), &g.e),
                        "bad_credentials");
    /* the database holds its digest and nothing it could be made of */
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    assert_ok(store_begin(db->store, STORE_READ, &tx, &g.e), &g.e);
    dm_sha256_hex(text, strlen(text), hash);
    char sql[200];
    (void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM api_tokens WHERE token_hash = '%s'",
                   hash);
    assert_int_equal(books_int(tx, sql), 1);
    (void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM audit_log WHERE after LIKE '%%%s%%'",
                   text + 8);
    if (!strcmp(db->engine, "sqlite")) {
        assert_int_equal(books_int(tx, sql), 0);
    }
    store_rollback(DM_STEAL(tx));
    assert_ok(token_revoke(&g.oscar, id, &g.e), &g.e);
    assert_ok(token_revoke(&g.oscar, id, &g.e), &g.e); /* again is fine */
    assert_string_equal(reason(token_check(&g.nobody, text, &g.a, &t, &u, &g.e), &g.e), "revoked");
    dm_arena_clear(&g.a);
}

static void tokens_are_their_owners(void **state)
{
    struct rig g;
    char text[TOKEN_TEXT_SIZE];
    int64_t id;
    int64_t second;
    const struct token *list;
    size_t n;
    struct token t;
    struct user u;
    rig_begin(&g, *state);
    assert_ok(token_issue(&g.admin, "Respaldo", TOKEN_ALL, 0, text, &id, &g.e), &g.e);
    assert_int_equal(token_revoke(&g.oscar, id, NULL), INV_NOT_FOUND);
    assert_int_equal(token_list(&g.oscar, g.admin.user_id, &g.a, &list, &n, NULL), INV_FORBIDDEN);
    assert_ok(token_issue(&g.oscar, "Uno", TOKEN_READ, 0, text, &second, &g.e), &g.e);
    assert_ok(token_list(&g.admin, g.oscar.user_id, &g.a, &list, &n, &g.e), &g.e);
    assert_int_equal(n, 1);
    assert_string_equal(list[0].name, "Uno");
    const struct user_change leave = {.role = INV_ROLE_MAX_, .active = 0};
    assert_ok(user_change(&g.admin, g.oscar.user_id, &leave, &g.e), &g.e);
    assert_string_equal(reason(token_check(&g.nobody, text, &g.a, &t, &u, &g.e), &g.e),
                        "inactive_user");
    assert_int_equal(token_issue(&g.admin, " ", TOKEN_READ, 0, text, &id, NULL), INV_VALIDATION);
    assert_int_equal(token_issue(&g.admin, "X", 0, 0, text, &id, NULL), INV_VALIDATION);
    assert_int_equal(token_issue(&g.admin, "X", 1U << 20, 0, text, &id, NULL), INV_VALIDATION);
    assert_int_equal(token_issue(&g.admin, "X", TOKEN_READ, 5, text, &id, NULL), INV_VALIDATION);
    assert_int_equal(token_issue(&g.nobody, "X", TOKEN_READ, 0, text, &id, NULL),
                     INV_UNAUTHENTICATED);
    for (int i = 1; i < TOKENS_PER_USER; i++) {
        assert_ok(token_issue(&g.admin, "Más", TOKEN_READ, 0, text, &id, &g.e), &g.e);
    }
    assert_int_equal(token_issue(&g.admin, "Más", TOKEN_READ, 0, text, &id, NULL), INV_IN_USE);
    dm_arena_clear(&g.a);
}

static void the_first_admin_comes_by_a_link(void **state)
{
    struct rig g;
    struct db *db = *state;
    char old[PASSWORD_SECRET_SIZE];
    char secret[PASSWORD_SECRET_SIZE];
    bool needed = true;
    int64_t id;
    struct user u;
    rig_begin(&g, db);
    const struct user_new n = {.email = "Eva@Vivero.test",
                               .first_name = "Eva",
                               .last_name = "Sosa",
                               .role = INV_VIEWER,
                               .password = GOOD};
    assert_ok(link_setup_needed(&g.nobody, &needed, &g.e), &g.e);
    assert_false(needed);
    assert_int_equal(link_setup(&g.admin, secret, NULL), INV_INVALID_TRANSITION);
    in_rw(db->store, "UPDATE users SET role = 'viewer' WHERE NOT is_system");
    assert_ok(link_setup_needed(&g.nobody, &needed, &g.e), &g.e);
    assert_true(needed);
    assert_ok(link_setup(&g.admin, old, &g.e), &g.e);
    assert_ok(link_setup(&g.admin, secret, &g.e), &g.e);
    assert_int_equal(link_setup_peek(&g.nobody, old, NULL), INV_UNAUTHENTICATED);
    assert_ok(link_setup_peek(&g.nobody, secret, &g.e), &g.e);
    struct inv_ctx later = g.nobody;
    later.now_ms += LINK_SETUP_MS;
    assert_int_equal(link_setup_use(&later, secret, &n, &id, NULL), INV_UNAUTHENTICATED);
    struct user_new weak = n;
    weak.password = "short";
    assert_int_equal(link_setup_use(&g.nobody, secret, &weak, &id, NULL), INV_VALIDATION);
    assert_ok(link_setup_use(&g.nobody, secret, &n, &id, &g.e), &g.e);
    assert_ok(user_get(&g.nobody, id, &g.a, &u, &g.e), &g.e);
    assert_int_equal(u.role, INV_ADMIN);
    assert_string_equal(u.email, "eva@vivero.test");
    assert_int_equal(link_setup_use(&g.nobody, secret, &n, &id, NULL), INV_UNAUTHENTICATED);
    assert_ok(user_sign_in(&g.nobody, "eva@vivero.test", GOOD, &g.a, &u, &g.e), &g.e);
    dm_arena_clear(&g.a);
}

static void an_invitation_sets_a_password(void **state)
{
    struct rig g;
    char secret[PASSWORD_SECRET_SIZE];
    struct refresh r;
    struct user u;
    int64_t id;
    bool alive;
    rig_begin(&g, *state);
    assert_ok(refresh_issue(&g.nobody, g.oscar.user_id, 0, &r, &g.e), &g.e);
    assert_int_equal(link_invite(&g.oscar, g.oscar.user_id, secret, NULL), INV_FORBIDDEN);
    assert_ok(link_invite(&g.admin, g.oscar.user_id, secret, &g.e), &g.e);
    assert_int_equal(link_invite_use(&g.nobody, secret, "short", &id, NULL), INV_VALIDATION);
    assert_ok(link_invite_use(&g.nobody, secret, "Helecho-2026-ok", &id, &g.e), &g.e);
    assert_int_equal(id, g.oscar.user_id);
    assert_int_equal(link_invite_use(&g.nobody, secret, GOOD, &id, NULL), INV_UNAUTHENTICATED);
    assert_ok(refresh_alive(&g.nobody, g.oscar.user_id, r.id, &alive, &g.e), &g.e);
    assert_false(alive);
    assert_ok(user_sign_in(&g.nobody, "oscar@vivero.test", "Helecho-2026-ok", &g.a, &u, &g.e),
              &g.e);
    dm_arena_clear(&g.a);
}

static void a_ticket_opens_one_path_once(void **state)
{
    struct rig g;
    char secret[PASSWORD_SECRET_SIZE];
    int64_t id = 0;
    int64_t n;
    rig_begin(&g, *state);
    assert_int_equal(link_ticket(&g.oscar, "no-slash", secret, NULL), INV_VALIDATION);
    assert_ok(link_ticket(&g.oscar, "/api/v1/events", secret, &g.e), &g.e);
    assert_int_equal(link_ticket_use(&g.nobody, secret, "/api/v1/jobs/1/stream", &id, NULL),
                     INV_UNAUTHENTICATED);
    assert_ok(link_ticket_use(&g.nobody, secret, "/api/v1/events", &id, &g.e), &g.e);
    assert_int_equal(id, g.oscar.user_id);
    assert_int_equal(link_ticket_use(&g.nobody, secret, "/api/v1/events", &id, NULL),
                     INV_UNAUTHENTICATED);
    assert_ok(link_ticket(&g.oscar, "/api/v1/events", secret, &g.e), &g.e);
    struct inv_ctx later = g.nobody;
    later.now_ms += LINK_TICKET_MS;
    assert_int_equal(link_ticket_use(&later, secret, "/api/v1/events", &id, NULL),
                     INV_UNAUTHENTICATED);
    assert_ok(link_purge(&later, &n, &g.e), &g.e);
    assert_int_equal(n, 1);
    dm_arena_clear(&g.a);
}

static void an_answer_is_given_again(void **state)
{
    struct rig g;
    static const char *const key = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff";
    struct inv_reply seen;
    rig_begin(&g, *state);
    assert_int_equal(inv_repeat_begin(&g.oscar, key, "a", &g.a, &seen, &g.e), 0);
    assert_int_equal(inv_repeat_begin(&g.oscar, key, "a", &g.a, &seen, NULL),
                     INV_IDEMPOTENCY_CONFLICT); /* still running */
    assert_int_equal(inv_repeat_begin(&g.admin, key, "a", &g.a, &seen, &g.e), 0); /* theirs */
    assert_ok(inv_repeat_end(&g.oscar, key, "a", NULL, &g.e), &g.e);              /* it failed */
    assert_int_equal(inv_repeat_begin(&g.oscar, key, "b", &g.a, &seen, &g.e), 0);
    assert_ok(inv_repeat_end(&g.oscar, key, "b", &(struct inv_reply){201, "{\"id\":7}"}, &g.e),
              &g.e);
    assert_int_equal(inv_repeat_begin(&g.oscar, key, "b", &g.a, &seen, &g.e), 1);
    assert_int_equal(seen.status, 201);
    assert_string_equal(seen.body, "{\"id\":7}");
    assert_int_equal(inv_repeat_begin(&g.oscar, key, "c", &g.a, &seen, NULL),
                     INV_IDEMPOTENCY_CONFLICT);
    dm_arena_clear(&g.a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DB_TEST(a_token_works_until_it_is_ended), DB_TEST(tokens_are_their_owners),
        DB_TEST(the_first_admin_comes_by_a_link), DB_TEST(an_invitation_sets_a_password),
        DB_TEST(a_ticket_opens_one_path_once),    DB_TEST(an_answer_is_given_again),
    };
    inv_setup();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
