/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of settings and their defaults; reading and changing them is in settings_store.c. */
#include "inventory/inventory.h"

#define SETTING_BOOL DM_OPT_BOOL
#define SETTING_I32  DM_OPT_I32
#define SETTING_F64  DM_OPT_F64
#define SETTING_STR  DM_OPT_STR

const struct dm_opt inv_setting_table[] = {
#define X(field, opt_type, value, low, high, of, text)                                             \
    {.name = #field,                                                                               \
     .type = SETTING_##opt_type,                                                                   \
     .offset = DM_OPT_AT(struct inv_settings, field),                                              \
     .def = (value),                                                                               \
     .min = (low),                                                                                 \
     .max = (high),                                                                                \
     .unit = (of),                                                                                 \
     .help = (text)},
#include "inventory/settings.def"
#undef X
};
const size_t inv_setting_count = DM_COUNT(inv_setting_table);

struct inv_settings inv_settings_default(void)
{
    struct inv_settings s = {0};
    struct dm_opt_source sources[DM_COUNT(inv_setting_table)];
    struct dm_opt_set set = {inv_setting_table, inv_setting_count, &s, sources};
    dm_opt_defaults(&set);
    return s;
}
