/* SPDX-License-Identifier: Apache-2.0
 *
 * A named value beside a sentence: what a log line and an error tell programs. */
#ifndef DM_BASE_FIELD_H
#define DM_BASE_FIELD_H

#include <stdint.h>

enum dm_field_type { DM_FIELD_STR, DM_FIELD_I64, DM_FIELD_F64, DM_FIELD_END };

struct dm_field {
    const char *name; /* snake_case */
    enum dm_field_type type;
    const char *s;
    int64_t i;
    double f;
};

#define DM_S(n, v) ((struct dm_field){.name = (n), .type = DM_FIELD_STR, .s = (v)})
#define DM_I(n, v) ((struct dm_field){.name = (n), .type = DM_FIELD_I64, .i = (v)})
#define DM_F(n, v) ((struct dm_field){.name = (n), .type = DM_FIELD_F64, .f = (v)})

/* DM_FIELDS(DM_I("available", 5), DM_S("batch", code)): a list for the length of the call. */
#define DM_FIELDS(...) ((const struct dm_field[]){__VA_ARGS__, {.type = DM_FIELD_END}})

#endif
