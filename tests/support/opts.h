/* SPDX-License-Identifier: Apache-2.0
 *
 * The one test that every option table passes: `assert_opt_table(table, n, sizeof(struct x))`. */
#ifndef TESTS_SUPPORT_OPTS_H
#define TESTS_SUPPORT_OPTS_H

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/opt.h"
#include "support/testing.h"

/* Sorted by name, names and flags unique, help given in house style, every default within its own
 * bounds, every field inside the struct, and print -> parse gives the same value again. */
static inline void assert_opt_table(const struct dm_opt *table, size_t n, size_t struct_bytes)
{
    struct dm_arena a = {0};
    struct dm_err e = {0};
    void *values = calloc(1, struct_bytes);
    struct dm_opt_source *sources = calloc(n, sizeof(*sources));
    assert_non_null(values);
    assert_non_null(sources);
    struct dm_opt_set set = {.table = table, .n = n, .values = values, .sources = sources};
    for (size_t i = 0; i < n; i++) {
        const struct dm_opt *o = &table[i];
        assert_true(o->offset < struct_bytes);
        assert_true(strlen(o->name) < DM_OPT_NAME_MAX / 2);
        assert_non_null(strchr(o->name, '.'));
        assert_true(o->help && islower((unsigned char)o->help[0]));
        assert_true(o->help[strlen(o->help) - 1] != '.');
        if (i > 0 && strcmp(table[i - 1].name, o->name) >= 0) {
            fail_msg("%s must come before %s", o->name, table[i - 1].name);
        }
        for (size_t j = 0; j < i; j++) {
            char flag[2][DM_OPT_NAME_MAX];
            if (!strcmp(dm_opt_flag(&table[j], flag[0]), dm_opt_flag(o, flag[1]))) {
                fail_msg("%s and %s share the flag --%s", table[j].name, o->name, flag[0]);
            }
        }
    }
    dm_opt_defaults(&set);
    for (size_t i = 0; i < n; i++) {
        const char *printed = dm_opt_print(&set, i, &a);
        assert_non_null(printed);
        struct dm_opt_source file = {.origin = DM_ORIGIN_FILE};
        if (!(table[i].flags & DM_OPT_SECRET)) {
            assert_ok(dm_opt_set_value(&set, i, printed, file, &a, &e), &e);
            assert_string_equal(dm_opt_print(&set, i, &a), printed);
        }
    }
    dm_arena_clear(&a);
    free(sources);
    free(values);
}

#endif
