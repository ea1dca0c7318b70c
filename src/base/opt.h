/* SPDX-License-Identifier: Apache-2.0
 *
 * Options as data. A module describes its settings once, in a table of struct dm_opt; parsing of
 * flags, environment and configuration file, bounds, --help, `config show --origin` and the man
 * page come from the same rows. Precedence: flag > environment > file > default. */
#ifndef DM_BASE_OPT_H
#define DM_BASE_OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"

enum dm_opt_type {
    DM_OPT_BOOL, /* bool */
    DM_OPT_I32,  /* int32_t, min..max inclusive */
    DM_OPT_F64,  /* double, min..max inclusive */
    DM_OPT_STR,  /* const char *, "" when unset */
    DM_OPT_ENUM, /* int32_t: index into choices */
    DM_OPT_TYPE_MAX_
};

enum {
    DM_OPT_SECRET = 1,  /* printed as "(set)" only, never logged */
    DM_OPT_HIDDEN = 2,  /* not in --help, only in the man page */
    DM_OPT_NO_FLAG = 4, /* configuration file and environment only */
};

/* One setting. name is "section.key" in the file; its flag is --key with '-' for '_' unless .flag
 * is given. Its environment variable is DEMETER_SECTION_KEY; with .env given it is that name, and
 * DEMETER_ before it wins over it bare. Each variable has a twin NAME_FILE that names a file with
 * the value (base/conf.h). Numbers are written with a decimal point whatever the locale. */
struct dm_opt {
    const char *name;
    enum dm_opt_type type;
    size_t offset;    /* of the field in the module's settings struct: DM_OPT_AT(struct x, field) */
    const char *def;  /* default, in the notation of the file; the only place it is written */
    double min, max;  /* I32, F64 */
    const char *unit; /* "px", "fraction", ...; NULL without a unit */
    const char *const *choices; /* ENUM: NULL-ended */
    const char *flag;           /* long flag without dashes when it is not derived from the name */
    const char *env;            /* environment variable when it is not derived from the name */
    unsigned flags;             /* DM_OPT_* */
    const char *help;           /* one sentence, lower-case start, no final point */
};

#define DM_OPT_AT(type, field) offsetof(type, field)

enum dm_origin {
    DM_ORIGIN_DEFAULT,
    DM_ORIGIN_PROFILE,
    DM_ORIGIN_FILE,
    DM_ORIGIN_ENV,
    DM_ORIGIN_FLAG
};

/* A table bound to the struct that receives its values. */
struct dm_opt_set {
    const struct dm_opt *table;
    size_t n;
    void *values;
    struct dm_opt_source { /* [n], where each value came from */
        enum dm_origin origin;
        int line;           /* of the file */
        const char *detail; /* file name, variable or flag; borrowed from the arena given to set */
    } * sources;
};

/* Set every value to its default. sources [n] is caller-owned. Aborts on a default that breaks its
 * own bounds: a programming error that the table test finds first. */
void dm_opt_defaults(struct dm_opt_set *set);

/* Parse text into the option. DM_EBADINPUT with name, range and what was given. Strings are copied
 * into a. */
DM_MUST_CHECK int dm_opt_set_value(struct dm_opt_set *set, size_t index, const char *text,
                                   struct dm_opt_source source, struct dm_arena *a,
                                   struct dm_err *e);

/* Index of a name ("count.conf") or, without a dot, of a flag ("conf"); DM_ENOTFOUND with the
 * nearest one. */
DM_MUST_CHECK int dm_opt_find(const struct dm_opt_set *set, const char *name, struct dm_err *e);

/* Value in the notation of the file; "(set)" for secrets that are not empty. In a; NULL when out of
 * memory. */
const char *dm_opt_print(const struct dm_opt_set *set, size_t index, struct dm_arena *a);

#define DM_OPT_NAME_MAX 96

/* Flag without dashes and environment variable of a row, built into ret; both return ret. */
const char *dm_opt_flag(const struct dm_opt *o, char ret[static DM_OPT_NAME_MAX]);
const char *dm_opt_env(const struct dm_opt *o, char ret[static DM_OPT_NAME_MAX]);

/* What a row accepts, for help and errors: "0..0.5 fraction", "f32, bf16", "true, false"; "" for
 * free text. Returns ret. */
const char *dm_opt_range(const struct dm_opt *o, char ret[static DM_OPT_NAME_MAX]);

/* Edit distance at most 3 and below half the length, or NULL. names NULL-ended. */
const char *dm_nearest(const char *given, const char *const *names);

#endif
