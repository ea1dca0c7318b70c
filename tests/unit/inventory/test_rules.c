/* SPDX-License-Identifier: Apache-2.0
 *
 * The tables that every workflow stands on: rules, permissions, defaults of settings. */
#include <ctype.h>
#include <string.h>

#include "inventory/inventory.h"
#include "support/testing.h"

static const int base_codes[] = {
#define X(name, number, http, retry, exit_status, slug, text) number,
#include "base/errors.def"
#undef X
};

static const struct {
    const char *name;
    int code;
} rules[] = {
#define X(name, number, http, retry, exit_status, class, text) {#name, number},
#include "inventory/rules.def"
#undef X
};

static void rules_are_known_to_base(void **state)
{
    (void)state;
    inv_setup();
    inv_setup();
    for (size_t i = 0; i < DM_COUNT(rules); i++) {
        const struct dm_code_info *r = dm_code_info(rules[i].code);
        assert_int_equal(r->code, rules[i].code);
        assert_string_equal(r->slug, rules[i].name);
        assert_in_range(r->http_status, 400, 503);
        assert_in_range(r->exit_status, 1, 5);
        assert_non_null(inv_code_class(r->code));
        assert_true(i == 0 || rules[i].code < rules[i - 1].code);
        for (size_t k = 0; k < DM_COUNT(base_codes); k++) {
            assert_int_not_equal(base_codes[k], rules[i].code);
            assert_int_not_equal(strcasecmp(dm_code_info(base_codes[k])->text, r->text), 0);
        }
    }
    assert_null(inv_code_class(DM_EIO));
}

/* Statuses as the table of domain.md section 4 groups them. */
static void statuses(void **state)
{
    (void)state;
    static const struct {
        int http, exit;
        int codes[12];
    } groups[] = {
        {400,
         5,
         {INV_PRODUCT_MISMATCH, INV_PACKAGING_MISMATCH, INV_INSUFFICIENT_STOCK,
          INV_SAME_DESTINATION, INV_MOVEMENT_TYPE_NOT_ALLOWED, INV_BIN_CATEGORY_NOT_ALLOWED,
          INV_BIN_NOT_ACTIVE, INV_STATE_NOT_SELLABLE, INV_PERIOD_CLOSED, INV_NEGATIVE_STOCK,
          INV_EMPTY_FILTER_RESULT}},
        {401, 1, {INV_UNAUTHENTICATED}},
        {403, 1, {INV_FORBIDDEN}},
        {404, 3, {INV_NOT_FOUND, INV_CONFIG_NOT_FOUND, INV_ORIGINAL_MISSING}},
        {409,
         4,
         {INV_DUPLICATE_CODE, INV_DUPLICATE_PHOTO, INV_ALREADY_INITIALIZED, INV_CONFIG_UNCHANGED,
          INV_HAS_STOCK, INV_IN_USE, INV_STALE_PREVIEW, INV_INVALID_TRANSITION,
          INV_IDEMPOTENCY_CONFLICT, INV_LATER_MOVEMENTS}},
        {413, 5, {INV_FILE_TOO_LARGE}},
        {415, 5, {INV_UNSUPPORTED_MEDIA}},
        {422, 5, {INV_VALIDATION}},
        {429, 1, {INV_RATE_LIMITED}},
        {501, 1, {INV_NOT_IMPLEMENTED}},
        {503, 1, {INV_STORAGE_FULL}},
    };
    inv_setup();
    for (size_t g = 0; g < DM_COUNT(groups); g++) {
        for (size_t i = 0; groups[g].codes[i]; i++) {
            const struct dm_code_info *r = dm_code_info(groups[g].codes[i]);
            assert_int_equal(r->http_status, groups[g].http);
            assert_int_equal(r->exit_status, groups[g].exit);
        }
    }
}

/* domain.md section 3, read once more: letters for admin, supervisor, worker, viewer. */
static const struct {
    enum inv_action action;
    const char *grants; /* a all, l limited, o own, - no */
} matrix[] = {
    {INV_DO_READ, "aaaa"},
    {INV_DO_SEE_PRICES, "aa-a"},
    {INV_DO_PHOTO_UPLOAD, "aaa-"},
    {INV_DO_PHOTO_REPROCESS, "aao-"},
    {INV_DO_PHOTO_PLACE, "aao-"},
    {INV_DO_PHOTO_DELETE, "aao-"},
    {INV_DO_JOBS_ALL, "aa--"},
    {INV_DO_MOVE, "aaa-"},
    {INV_DO_MOVE_OFFICE, "aa--"},
    {INV_DO_COUNT_MANUAL, "aal-"},
    {INV_DO_COUNT_REVIEW, "aa--"},
    {INV_DO_REVERSE, "llo-"},
    {INV_DO_RECONCILE, "aa--"},
    {INV_DO_SALES_IMPORT, "aa--"},
    {INV_DO_CONFIGURE, "aa--"},
    {INV_DO_SAMPLE_IMAGES, "aa--"},
    {INV_DO_ANALYTICS, "aala"},
    {INV_DO_EXPORT, "aa-a"},
    {INV_DO_CATALOGUE_WRITE, "a---"},
    {INV_DO_PLACES_WRITE, "a---"},
    {INV_DO_USERS, "a---"},
    {INV_DO_SETTINGS, "a---"},
    {INV_DO_AUDIT_READ, "a---"},
};

static void permissions(void **state)
{
    (void)state;
    static const enum inv_role order[] = {INV_ADMIN, INV_SUPERVISOR, INV_WORKER, INV_VIEWER};
    static const char letters[] = {[INV_GRANT_ALL] = 'a',
                                   [INV_GRANT_LIMITED] = 'l',
                                   [INV_GRANT_OWN] = 'o',
                                   [INV_GRANT_NO] = '-'};
    assert_int_equal(DM_COUNT(matrix), INV_DO_MAX_);
    for (size_t i = 0; i < DM_COUNT(matrix); i++) {
        for (size_t r = 0; r < DM_COUNT(order); r++) {
            const enum inv_grant g = inv_grant_of(order[r], matrix[i].action);
            assert_int_equal(letters[g], matrix[i].grants[r]);
            const struct inv_ctx c = {.user_id = 1, .role = order[r]};
            struct dm_err e = {0};
            const int code = inv_permit(&c, matrix[i].action, &e);
            assert_int_equal(code, g == INV_GRANT_NO ? INV_FORBIDDEN : (int)g);
            assert_int_equal(e.n_fields, g == INV_GRANT_NO ? 2 : 0);
        }
    }
}

static void nobody_may_nothing(void **state)
{
    (void)state;
    const struct inv_ctx c = {.role = INV_ADMIN};
    struct dm_err e = {0};
    assert_int_equal(inv_permit(&c, INV_DO_READ, &e), INV_UNAUTHENTICATED);
    assert_string_equal(e.field[0].s, "missing");
}

static void a_refusal_names_the_role_it_takes(void **state)
{
    (void)state;
    const struct inv_ctx worker = {.user_id = 1, .role = INV_WORKER};
    const struct inv_ctx viewer = {.user_id = 1, .role = INV_VIEWER};
    struct dm_err e = {0};
    assert_int_equal(inv_permit(&worker, INV_DO_RECONCILE, &e), INV_FORBIDDEN);
    assert_string_equal(e.field[0].s, "supervisor");
    assert_int_equal(inv_permit(&worker, INV_DO_USERS, &e), INV_FORBIDDEN);
    assert_string_equal(e.field[0].s, "admin");
    assert_int_equal(inv_permit(&viewer, INV_DO_MOVE, &e), INV_FORBIDDEN);
    assert_string_equal(e.field[0].s, "worker");
    assert_string_equal(e.field[1].s, "MOVE");
}

static void settings_as_specified(void **state)
{
    (void)state;
    const struct inv_settings s = inv_settings_default();
    assert_string_equal(s.timezone, "America/Argentina/Mendoza");
    assert_string_equal(s.currency, "ARS");
    assert_true(s.auto_post_counts);
    assert_true(s.hold_min_confidence == 0.5 && s.hold_surplus_percent == 2);
    assert_int_equal(s.hold_surplus_plants, 10);
    assert_true(s.hold_shortage_percent == 60);
    assert_int_equal(s.hold_shortage_plants, 50);
    assert_int_equal(s.retake_window_hours, 24);
    assert_int_equal(s.month_close_grace_days, 5);
    assert_true(s.sales_tolerance_percent == 5);
    assert_int_equal(s.sales_tolerance_plants, 5);
    assert_int_equal(s.estimation_bands, 4);
    assert_true(s.calibration_alpha == 0.2 && s.growth_uplift_percent == 0);
    assert_int_equal(s.retention_originals_days, 0);
    assert_int_equal(s.retention_pictures_days, 365);
    assert_int_equal(s.retention_jobs_days, 30);
    assert_int_equal(s.retention_exports_hours, 24);
    assert_int_equal(s.retention_deleted_photos_days, 90);
    for (size_t i = 0; i < inv_setting_count; i++) {
        const struct dm_opt *o = &inv_setting_table[i];
        assert_true(i == 0 || strcmp(inv_setting_table[i - 1].name, o->name) < 0);
        assert_true(islower((unsigned char)o->help[0]) && strlen(o->help) > 10);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_are_known_to_base),
        cmocka_unit_test(statuses),
        cmocka_unit_test(permissions),
        cmocka_unit_test(nobody_may_nothing),
        cmocka_unit_test(a_refusal_names_the_role_it_takes),
        cmocka_unit_test(settings_as_specified),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
