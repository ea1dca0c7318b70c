/* SPDX-License-Identifier: Apache-2.0
 *
 * Accounts: making, changing, signing in, tokens, identities. Each sign-in costs a real hash of 64
 * MiB, so there are few of them. */
#include "support/books.h"

#include <string.h>

#include "inventory/users.h"

#define GOOD  "Cactus-2026-ok"
#define OTHER "Suculenta-2026!"

struct rig {
    struct inv_settings settings;
    struct inv_ctx admin, nobody;
    struct dm_arena a;
    struct dm_err e;
};

static void rig_begin(struct rig *g, struct db *db)
{
    *g = (struct rig){0};
    books_tiny(db->store); /* one admin, who has no usable password */
    g->admin = books_ctx(db->store, &g->settings);
    g->nobody = g->admin;
    g->nobody.user_id = 0;
    g->nobody.role = INV_VIEWER;
}

static int64_t add(struct rig *g, const char *email, enum inv_role role)
{
    int64_t id = 0;
    const struct user_new n = {.email = email,
                               .first_name = "Oscar",
                               .last_name = "Funes",
                               .role = role,
                               .password = GOOD};
    assert_ok(user_add(&g->admin, &n, &id, &g->e), &g->e);
    return id;
}

static void people_are_added_and_changed(void **state)
{
    struct rig g;
    struct user u;
    int64_t id;
    rig_begin(&g, *state);
    const int64_t oscar = add(&g, "Oscar@Vivero.Test", INV_WORKER);
    assert_ok(user_find(&g.admin, "OSCAR@vivero.test", &g.a, &u, &g.e), &g.e);
    assert_int_equal(u.id, oscar);
    assert_string_equal(u.email, "oscar@vivero.test");
    assert_int_equal(u.role, INV_WORKER);
    assert_true(u.active && u.has_password && !u.is_system);
    static const struct {
        const char *email, *first, *password;
        int code;
    } bad[] = {
        {"oscar@vivero.test", "X", GOOD, INV_DUPLICATE_CODE},
        {"not an address", "X", GOOD, INV_VALIDATION},
        {"a@b@c.test", "X", GOOD, INV_VALIDATION},
        {"x@vivero.test", " ", GOOD, INV_VALIDATION},
        {"x@vivero.test", "X", "short", INV_VALIDATION},
        {"x@vivero.test", "X", NULL, INV_VALIDATION},
    };
    for (size_t i = 0; i < DM_COUNT(bad); i++) {
        const struct user_new n = {.email = bad[i].email,
                                   .first_name = bad[i].first,
                                   .last_name = "Y",
                                   .password = bad[i].password};
        assert_int_equal(user_add(&g.admin, &n, &id, NULL), bad[i].code);
    }
    struct user_change x = {.first_name = "Óscar", .role = INV_SUPERVISOR, .active = -1};
    assert_ok(user_change(&g.admin, oscar, &x, &g.e), &g.e);
    assert_ok(user_get(&g.admin, oscar, &g.a, &u, &g.e), &g.e);
    assert_string_equal(u.first_name, "Óscar");
    assert_int_equal(u.role, INV_SUPERVISOR);
    assert_int_equal(user_change(&g.admin, 999, &x, NULL), INV_NOT_FOUND);
    assert_int_equal(user_change(&g.nobody, oscar, &x, NULL), INV_UNAUTHENTICATED);
    /* themselves: names, but not roles */
    struct inv_ctx self = g.admin;
    self.user_id = oscar;
    self.role = INV_SUPERVISOR;
    x = (struct user_change){.last_name = "Vera", .role = INV_ADMIN, .active = 0};
    assert_int_equal(user_change(&self, oscar, &x, NULL), INV_FORBIDDEN);
    assert_ok(user_change_self(&self, &x, &g.e), &g.e);
    assert_ok(user_get(&g.admin, oscar, &g.a, &u, &g.e), &g.e);
    assert_string_equal(u.last_name, "Vera");
    assert_int_equal(u.role, INV_SUPERVISOR);
    const struct user *list;
    size_t n;
    assert_ok(user_list(&g.admin, 1, INV_ROLE_MAX_, &g.a, &list, &n, &g.e), &g.e);
    assert_int_equal(n, 2); /* the system's own account is not listed */
    dm_arena_clear(&g.a);
}

static void the_last_admin_stays(void **state)
{
    struct rig g;
    struct user u;
    rig_begin(&g, *state);
    const struct user_change demote = {.role = INV_WORKER, .active = -1};
    const struct user_change leave = {.role = INV_ROLE_MAX_, .active = 0};
    assert_int_equal(user_change(&g.admin, BOOKS_ADMIN, &demote, NULL), INV_IN_USE);
    assert_int_equal(user_change(&g.admin, BOOKS_ADMIN, &leave, NULL), INV_IN_USE);
    const int64_t second = add(&g, "second@vivero.test", INV_ADMIN);
    assert_ok(user_change(&g.admin, BOOKS_ADMIN, &demote, &g.e), &g.e);
    assert_int_equal(user_change(&g.admin, second, &leave, NULL), INV_IN_USE);
    assert_ok(user_get(&g.admin, second, &g.a, &u, &g.e), &g.e);
    assert_true(u.active);
    dm_arena_clear(&g.a);
}

static void five_failures_lock(void **state)
{
    struct rig g;
    struct user u;
    rig_begin(&g, *state);
    (void)add(&g, "oscar@vivero.test", INV_WORKER);
    assert_ok(user_sign_in(&g.nobody, "Oscar@vivero.test", GOOD, &g.a, &u, &g.e), &g.e);
    assert_int_equal(u.role, INV_WORKER);
    assert_int_equal(user_sign_in(&g.nobody, "nobody@vivero.test", GOOD, &g.a, &u, NULL),
                     INV_UNAUTHENTICATED);
    assert_int_equal(user_sign_in(&g.nobody, "system@demeter.invalid", "", &g.a, &u, NULL),
                     INV_UNAUTHENTICATED);
    g.nobody.now_ms++; /* later than the sign-in, which forgives what was before */
    for (int i = 1; i <= 5; i++) {
        assert_int_equal(user_sign_in(&g.nobody, "oscar@vivero.test", OTHER, &g.a, &u, NULL),
                         i < 5 ? INV_UNAUTHENTICATED : INV_RATE_LIMITED);
    }
    struct dm_err e = {0};
    assert_int_equal(user_sign_in(&g.nobody, "oscar@vivero.test", GOOD, &g.a, &u, &e),
                     INV_RATE_LIMITED);
    assert_string_equal(e.field[0].name, "retry_after_s");
    assert_true(e.field[0].i > 890 && e.field[0].i <= 900);
    g.nobody.now_ms += USERS_LOCK_MS + 5000;
    assert_ok(user_sign_in(&g.nobody, "oscar@vivero.test", GOOD, &g.a, &u, &g.e), &g.e);
    dm_arena_clear(&g.a);
}

static void passwords_change_and_old_hashes_go(void **state)
{
    /* "U*U" in bcrypt, as in test_password.c: weaker than our rules, which only bind new ones */
    static const char hash[] = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
    struct rig g;
    struct user u;
    int64_t id;
    struct db *db = *state;
    struct store_tx *tx = NULL;
    rig_begin(&g, db);
    struct user_new n = {.email = "vieja@vivero.test",
                         .first_name = "Vera",
                         .last_name = "Quiroga",
                         .role = INV_VIEWER,
                         .password_hash = "$1$no$such"};
    assert_int_equal(user_add(&g.admin, &n, &id, NULL), INV_VALIDATION);
    n.password_hash = hash;
    assert_ok(user_add(&g.admin, &n, &id, &g.e), &g.e);
    assert_ok(user_sign_in(&g.nobody, n.email, "U*U", &g.a, &u, &g.e), &g.e);
    assert_ok(store_begin(db->store, STORE_READ, &tx, &g.e), &g.e);
    assert_int_equal(books_int(tx, "SELECT COUNT(*) FROM users WHERE email = 'vieja@vivero.test'"
                                   " AND password_hash LIKE '$argon2id$%'"),
                     1);
    store_rollback(tx);
    struct inv_ctx self = g.admin;
    self.user_id = id;
    self.role = INV_VIEWER;
    assert_int_equal(user_change_password(&self, "wrong", GOOD, NULL), INV_UNAUTHENTICATED);
    assert_int_equal(user_change_password(&self, "U*U", "weak", NULL), INV_VALIDATION);
    assert_ok(user_change_password(&self, "U*U", GOOD, &g.e), &g.e);
    assert_ok(user_reset(&g.admin, id, OTHER, false, &g.e), &g.e);
    assert_ok(user_sign_in(&g.nobody, n.email, OTHER, &g.a, &u, &g.e), &g.e);
    assert_true(u.must_change_password);
    assert_ok(user_accept_terms(&self, &g.e), &g.e);
    assert_ok(user_get(&g.admin, id, &g.a, &u, &g.e), &g.e);
    assert_int_equal(u.terms_accepted_at, self.now_ms);
    /* no secret reached the trail */
    assert_ok(store_begin(db->store, STORE_READ, &tx, &g.e), &g.e);
    assert_int_equal(books_int(tx, "SELECT COUNT(*) FROM audit_log WHERE CAST(after AS TEXT) LIKE"
                                   " '%argon2%' OR CAST(after AS TEXT) LIKE '%Cactus%'"),
                     0);
    assert_true(books_int(tx, "SELECT COUNT(*) FROM audit_log WHERE entity_type = 'users'") >= 5);
    store_rollback(tx);
    dm_arena_clear(&g.a);
}

static const char *refusal(const struct inv_ctx *c, const char *token, struct dm_arena *a)
{
    static struct dm_err e;
    struct refresh next;
    struct user u;
    e = (struct dm_err){0};
    return refresh_rotate(c, token, 0, a, &next, &u, &e) < 0 ? e.field[0].s : "accepted";
}

static void tokens_rotate_and_reuse_ends_them(void **state)
{
    struct rig g;
    struct user u;
    struct refresh one;
    struct refresh two;
    struct refresh three;
    struct refresh apart;
    bool alive;
    rig_begin(&g, *state);
    const int64_t oscar = add(&g, "oscar@vivero.test", INV_WORKER);
    assert_ok(refresh_issue(&g.nobody, oscar, 0, &one, &g.e), &g.e);
    assert_ok(refresh_issue(&g.nobody, oscar, 0, &apart, &g.e), &g.e);
    assert_ok(refresh_rotate(&g.nobody, one.text, 0, &g.a, &two, &u, &g.e), &g.e);
    assert_int_equal(u.id, oscar);
    assert_ok(refresh_rotate(&g.nobody, two.text, 0, &g.a, &three, &u, &g.e), &g.e);
    assert_ok(refresh_alive(&g.nobody, oscar, one.id, &alive, &g.e), &g.e);
    assert_true(alive); /* through what came from it */
    assert_ok(refresh_alive(&g.nobody, BOOKS_ADMIN, one.id, &alive, &g.e), &g.e);
    assert_false(alive); /* somebody else's */
    assert_string_equal(refusal(&g.nobody, "unknown", &g.a), "unknown");
    assert_string_equal(refusal(&g.nobody, one.text, &g.a), "reused");
    assert_ok(refresh_alive(&g.nobody, oscar, one.id, &alive, &g.e), &g.e);
    assert_false(alive);
    assert_string_equal(refusal(&g.nobody, three.text, &g.a),
                        "revoked"); /* its whole chain ended */
    struct refresh next;
    assert_ok(refresh_rotate(&g.nobody, apart.text, 0, &g.a, &next, &u, &g.e),
              &g.e); /* another sign-in */
    struct inv_ctx later = g.nobody;
    later.now_ms += USERS_REFRESH_MS;
    assert_string_equal(refusal(&later, next.text, &g.a), "expired");
    assert_ok(refresh_revoke(&g.nobody, next.text, &g.e), &g.e);
    assert_string_equal(refusal(&g.nobody, next.text, &g.a), "revoked");
    assert_ok(refresh_revoke(&g.nobody, "unknown", &g.e), &g.e);
    /* a change of role ends what was given before */
    assert_ok(refresh_issue(&g.nobody, oscar, 0, &one, &g.e), &g.e);
    const struct user_change x = {.role = INV_VIEWER, .active = -1};
    assert_ok(user_change(&g.admin, oscar, &x, &g.e), &g.e);
    assert_string_equal(refusal(&g.nobody, one.text, &g.a), "revoked");
    int64_t n;
    later.now_ms += 1;
    assert_ok(refresh_purge(&later, &n, &g.e), &g.e);
    assert_int_equal(n, 6);
    dm_arena_clear(&g.a);
}

static void identities_are_linked(void **state)
{
    struct rig g;
    struct user u;
    rig_begin(&g, *state);
    const int64_t oscar = add(&g, "oscar@vivero.test", INV_WORKER);
    struct user_external x = {.provider = "auth0",
                              .subject = "auth0|1",
                              .email = "Nueva@vivero.test",
                              .first_name = "Nueva",
                              .last_name = "Persona",
                              .role = INV_ROLE_MAX_};
    assert_ok(user_sign_in_external(&g.nobody, &x, &g.a, &u, &g.e), &g.e);
    const int64_t nueva = u.id;
    assert_int_equal(u.role, INV_VIEWER);
    assert_false(u.has_password);
    x.role = INV_SUPERVISOR;
    x.email = "changed@vivero.test"; /* the subject decides, not the address */
    assert_ok(user_sign_in_external(&g.nobody, &x, &g.a, &u, &g.e), &g.e);
    assert_int_equal(u.id, nueva);
    assert_int_equal(u.role, INV_SUPERVISOR);
    assert_int_equal(user_reset(&g.admin, nueva, GOOD, false, NULL), INV_INVALID_TRANSITION);
    x = (struct user_external){.provider = "auth0",
                               .subject = "auth0|2",
                               .email = "oscar@vivero.test",
                               .first_name = "Oscar",
                               .last_name = "Funes",
                               .role = INV_ROLE_MAX_};
    assert_int_equal(user_sign_in_external(&g.nobody, &x, &g.a, &u, NULL), INV_DUPLICATE_CODE);
    x.email_verified = true;
    assert_ok(user_sign_in_external(&g.nobody, &x, &g.a, &u, &g.e), &g.e);
    assert_int_equal(u.id, oscar);
    assert_int_equal(u.role, INV_WORKER);
    const struct user_change leave = {.role = INV_ROLE_MAX_, .active = 0};
    assert_ok(user_change(&g.admin, oscar, &leave, &g.e), &g.e);
    assert_int_equal(user_sign_in_external(&g.nobody, &x, &g.a, &u, NULL), INV_UNAUTHENTICATED);
    dm_arena_clear(&g.a);
}

static void people_come_from_a_file(void **state)
{
    static const char text[] = "Email;first_name;last_name;role;password;password_hash\n"
                               "uno@vivero.test;Uno;Primera;supervisor;;"
                               "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW\n"
                               "dos@vivero.test;Dos;Segunda;;" GOOD ";\n"
                               "admin@vivero.test;Ana;Rossi;admin;" GOOD ";\n"
                               "tres@vivero.test;Tres;Tercera;king;" GOOD ";\n"
                               "cuatro@vivero.test;Cuatro;Cuarta;worker;weak;\n"
                               "nobody;X;Y;worker;" GOOD ";\n";
    struct rig g;
    struct user u;
    struct user_import_result r;
    rig_begin(&g, *state);
    for (int dry = 1; dry >= 0; dry--) {
        assert_ok(user_import(&g.admin, text, sizeof(text) - 1, dry, &g.a, &r, &g.e), &g.e);
        assert_int_equal(r.made, 2);
        assert_int_equal(r.known, 1);
        assert_int_equal(r.failed, 3);
        assert_int_equal(r.error[0].line, 5);
        assert_non_null(strstr(r.error[0].issue, "king"));
        assert_int_equal(user_find(&g.admin, "dos@vivero.test", &g.a, &u, NULL),
                         dry ? INV_NOT_FOUND : DM_OK);
    }
    assert_int_equal(u.role, INV_WORKER);
    assert_true(u.must_change_password);
    assert_ok(user_import(&g.admin, text, sizeof(text) - 1, false, &g.a, &r, &g.e), &g.e);
    assert_int_equal(r.made, 0);
    assert_int_equal(r.known, 3);
    assert_int_equal(user_import(&g.nobody, text, sizeof(text) - 1, false, &g.a, &r, NULL),
                     INV_UNAUTHENTICATED);
    assert_true(user_import(&g.admin, "email\n", 6, false, &g.a, &r, NULL) < 0);
    dm_arena_clear(&g.a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DB_TEST(people_are_added_and_changed),
        DB_TEST(the_last_admin_stays),
        DB_TEST(five_failures_lock),
        DB_TEST(passwords_change_and_old_hashes_go),
        DB_TEST(tokens_rotate_and_reuse_ends_them),
        DB_TEST(identities_are_linked),
        DB_TEST(people_come_from_a_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
