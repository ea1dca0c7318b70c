/* SPDX-License-Identifier: Apache-2.0
 *
 * The common ground in the database: settings, audit trail, repeated requests. */
#include <string.h>

#include "support/nursery.h"

#define NURSERY(n)                                                                                 \
    DM_CLEANUP(nursery_clear) struct nursery n;                                                    \
    nursery_init(&(n), *state)

static struct inv_settings load(struct nursery *n, struct dm_arena *a)
{
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    struct dm_err e = {0};
    struct inv_settings s;
    assert_ok(store_begin(n->db->store, STORE_READ, &tx, &e), &e);
    assert_ok(inv_settings_load(tx, a, &s, &e), &e);
    return s;
}

static void settings_change_and_stay_in_bounds(void **state)
{
    NURSERY(n);
    struct dm_arena a = {0};
    struct dm_err e = {0};
    static const struct {
        const char *values;
        int code;
        const char *field;
    } rows[] = {
        {"{'timezone':'Europe/Madrid','hold_surplus_plants':12,'auto_post_counts':false}", 0, NULL},
        {"{'hold_min_confidence':1}", 0, NULL},
        {"{'hold_min_confidence':1.01}", INV_VALIDATION, "hold_min_confidence"},
        {"{'hold_surplus_plants':'12'}", INV_VALIDATION, "hold_surplus_plants"},
        {"{'hold_surplus_plants':1.5}", INV_VALIDATION, "hold_surplus_plants"},
        {"{'timezone':'Mars/Olympus'}", INV_VALIDATION, "timezone"},
        {"{'currency':'pesos'}", INV_VALIDATION, "currency"},
        {"{'auto_post_counts':1}", INV_VALIDATION, "auto_post_counts"},
        {"{'colour':1}", INV_VALIDATION, "colour"},
        {"{'currency':'CLP','colour':1}", INV_VALIDATION, "colour"}, /* all or nothing */
        {"[]", INV_VALIDATION, ""},
    };
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        DM_CLEANUP(nursery_json_freep) json_t *values = nursery_json("%s", rows[i].values);
        const int code = inv_settings_change(&n.admin, values, &e);
        if (code != rows[i].code || (rows[i].field && strcmp(e.field[0].s, rows[i].field) != 0)) {
            fail_msg("row %zu: %d %s", i, code, dm_err_text(&e));
        }
        assert_int_equal(inv_settings_change(&n.supervisor, values, &e), INV_FORBIDDEN);
    }
    struct inv_settings s = load(&n, &a);
    assert_string_equal(s.timezone, "Europe/Madrid");
    assert_string_equal(s.currency, "ARS");
    assert_int_equal(s.hold_surplus_plants, 12);
    assert_false(s.auto_post_counts);
    assert_true(s.hold_min_confidence == 1);
    assert_int_equal(s.retake_window_hours, 24); /* nobody changed it */
    assert_int_equal(nursery_number(&n, "SELECT count(*) FROM audit_log WHERE entity_type ="
                                        " 'app_settings' AND after ->> 'timezone' = 'Europe/Madrid'"
                                        " AND before ->> 'timezone' = 'America/Argentina/Mendoza'"),
                     1);
    /* a value that another version stored and this one does not take */
    nursery_exec(&n,
                 "UPDATE app_settings SET value = '99999999' WHERE key = 'hold_surplus_plants'");
    nursery_exec(&n, "INSERT INTO app_settings (key, value) VALUES ('from_the_future', '1')");
    s = load(&n, &a);
    assert_int_equal(s.hold_surplus_plants, 10);
    dm_arena_clear(&a);
}

static void audit_keeps_what_differs_and_no_secrets(void **state)
{
    NURSERY(n);
    struct dm_err e = {0};
    n.admin.request_id = "req-1";
    n.admin.remote_address = "10.0.0.7";
    DM_CLEANUP(nursery_json_freep)
    json_t *before = nursery_json("{'a':1,'b':'x','password_hash':'old','c':[1]}");
    DM_CLEANUP(nursery_json_freep)
    json_t *after = nursery_json("{'a':1,'b':'y','password_hash':'new','c':[1],'token':'t'}");
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    assert_ok(store_begin(n.db->store, STORE_WRITE, &tx, &e), &e);
    assert_ok(audit_write(tx, &n.admin, "update", "things", 7, before, after, &e), &e);
    assert_ok(audit_write(tx, &n.admin, "update", "things", 8, before, before, &e), &e);
    assert_ok(audit_write(tx, &n.admin, "login", NULL, 0, NULL, NULL, &e), &e);
    assert_ok(store_commit(&tx, &e), &e);
    assert_int_equal(nursery_number(&n, "SELECT count(*) FROM audit_log"), 2);
    assert_int_equal(
        nursery_number(&n, "SELECT count(*) FROM audit_log WHERE entity_id = '7' AND request_id ="
                           " 'req-1' AND remote_address = '10.0.0.7' AND before ->> 'b' = 'x'"
                           " AND after ->> 'b' = 'y' AND before ->> 'a' IS NULL"
                           " AND after ->> 'c' IS NULL AND after ->> 'token' = '(changed)'"
                           " AND before ->> 'password_hash' = '(changed)'"),
        1);
}

static int repeat(struct nursery *n, const char *key, const char *sha, struct inv_reply *ret,
                  bool keep, struct dm_err *e)
{
    static struct dm_arena a; /* the reply lives in it until the next call */
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    dm_arena_clear(&a);
    assert_ok(store_begin(n->db->store, STORE_WRITE, &tx, e), e);
    const int found = inv_repeat_find(tx, &n->admin, key, sha, &a, ret, e);
    if (found == 0 && keep) {
        const struct inv_reply reply = {201, "{\"id\":5}"};
        assert_ok(inv_repeat_keep(tx, &n->admin, key, sha, &reply, e), e);
        assert_ok(store_commit(&tx, e), e);
    }
    return found;
}

static void requests_that_come_twice(void **state)
{
    NURSERY(n);
    static const char key[] = "0b1e9f0a-0000-4000-8000-000000000001";
    struct dm_err e = {0};
    struct inv_reply reply = {0};
    int64_t purged = -1;
    assert_int_equal(repeat(&n, key, "aa", &reply, false, &e), 0); /* rolled back: nothing kept */
    assert_int_equal(repeat(&n, key, "aa", &reply, true, &e), 0);
    assert_int_equal(repeat(&n, key, "aa", &reply, true, &e), 1);
    assert_int_equal(reply.status, 201);
    assert_string_equal(reply.body, "{\"id\":5}");
    assert_int_equal(repeat(&n, key, "bb", &reply, true, &e), INV_IDEMPOTENCY_CONFLICT);
    assert_int_equal(repeat(&n, "not-a-uuid", "aa", &reply, true, &e), INV_VALIDATION);
    const int64_t admin = n.admin.user_id;
    n.admin.user_id = n.worker.user_id; /* keys are personal */
    assert_int_equal(repeat(&n, key, "bb", &reply, true, &e), 0);
    n.admin.user_id = admin;
    n.admin.now_ms += INT64_C(48) * 3600 * 1000;
    assert_ok(inv_repeat_purge(&n.admin, &purged, &e), &e);
    assert_int_equal(purged, 0);
    n.admin.now_ms += 1;
    assert_ok(inv_repeat_purge(&n.admin, &purged, &e), &e);
    assert_int_equal(purged, 2);
    assert_int_equal(repeat(&n, key, "bb", &reply, true, &e), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DB_TEST(settings_change_and_stay_in_bounds),
        DB_TEST(audit_keeps_what_differs_and_no_secrets),
        DB_TEST(requests_that_come_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
