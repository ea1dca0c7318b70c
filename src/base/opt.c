/* SPDX-License-Identifier: Apache-2.0
 *
 * Options as data: parsing, printing and finding. Runs a few dozen times at start, so rows are
 * searched one after the other. */
#include "base/opt.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *field(const struct dm_opt_set *set, const struct dm_opt *o)
{
    return (char *)set->values + o->offset;
}

static void put_i32(const struct dm_opt_set *set, const struct dm_opt *o, int32_t v)
{
    memcpy(field(set, o), &v, sizeof(v));
}

const char *dm_opt_flag(const struct dm_opt *o, char ret[static DM_OPT_NAME_MAX])
{
    const char *dot = strchr(o->name, '.');
    const char *key = o->flag ? o->flag : dot ? dot + 1 : o->name;
    (void)snprintf(ret, DM_OPT_NAME_MAX, "%s", key);
    for (char *c = ret; !o->flag && *c; c++) {
        *c = *c == '_' ? '-' : *c;
    }
    return ret;
}

const char *dm_opt_env(const struct dm_opt *o, char ret[static DM_OPT_NAME_MAX])
{
    if (o->env) {
        (void)snprintf(ret, DM_OPT_NAME_MAX, "%s", o->env);
        return ret;
    }
    (void)snprintf(ret, DM_OPT_NAME_MAX, "DEMETER_%s", o->name);
    for (char *c = ret; *c; c++) {
        bool lower = *c >= 'a' && *c <= 'z';
        *c = lower ? (char)(*c - 'a' + 'A') : *c == '.' ? '_' : *c;
    }
    return ret;
}

/* "a, b, c"; a list that does not fit is cut. */
static void list_choices(const char *const *choices, char ret[static DM_OPT_NAME_MAX])
{
    size_t used = 0;
    ret[0] = '\0';
    for (size_t i = 0; choices[i] && used < DM_OPT_NAME_MAX; i++) {
        int n = snprintf(ret + used, DM_OPT_NAME_MAX - used, "%s%s", i ? ", " : "", choices[i]);
        used += n > 0 ? (size_t)n : 0;
    }
}

const char *dm_opt_range(const struct dm_opt *o, char ret[static DM_OPT_NAME_MAX])
{
    switch (o->type) {
    case DM_OPT_BOOL:
        (void)snprintf(ret, DM_OPT_NAME_MAX, "true, false");
        break;
    case DM_OPT_I32:
    case DM_OPT_F64:
        (void)snprintf(ret, DM_OPT_NAME_MAX, "%.15g..%.15g%s%s", o->min, o->max, o->unit ? " " : "",
                       o->unit ? o->unit : "");
        break;
    case DM_OPT_ENUM:
        list_choices(o->choices, ret);
        break;
    case DM_OPT_STR:
    case DM_OPT_TYPE_MAX_:
        ret[0] = '\0';
        break;
    }
    return ret;
}

static int refuse(const struct dm_opt *o, const char *text, struct dm_err *e)
{
    char range[DM_OPT_NAME_MAX];
    DM_FAIL(e, DM_EBADINPUT, "%s: expected %s, got \"%.60s\"", o->name, dm_opt_range(o, range),
            text);
}

static bool parse_bool(const char *text, bool *ret)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on", "0", "1"};
    for (size_t i = 0; i < DM_COUNT(words); i++) {
        if (!strcmp(text, words[i])) {
            *ret = i % 2 == 1;
            return true;
        }
    }
    return false;
}

/* A whole finite decimal number within the bounds of o. The process never calls setlocale, so the
 * decimal sign is a point. Seconds may be written as people and other tools do: 60s. */
static bool parse_number(const struct dm_opt *o, const char *text, double *ret)
{
    char *end;
    const size_t n = strspn(text, "+-.0123456789eE");
    const bool seconds = o->unit && !strcmp(o->unit, "s") && n && !strcmp(text + n, "s");
    if (text[n] && !seconds) {
        return false; /* strtod would take blanks, hexadecimals, "inf" and "nan" */
    }
    errno = 0;
    double v = strtod(text, &end);
    if (end == text || end != text + n || errno || !isfinite(v) || v < o->min || v > o->max) {
        return false;
    }
    *ret = v;
    return true;
}

static int find_choice(const struct dm_opt *o, const char *text)
{
    for (int i = 0; o->choices[i]; i++) {
        if (!strcmp(o->choices[i], text)) {
            return i;
        }
    }
    return -1;
}

/* a NULL: text outlives the values. */
static int put_text(const struct dm_opt_set *set, const struct dm_opt *o, const char *text,
                    struct dm_arena *a, struct dm_err *e)
{
    const char *copy = a ? dm_arena_strdup(a, text) : text;
    if (!copy) {
        DM_FAIL(e, DM_ENOMEM, "%s: no memory for the value", o->name);
    }
    memcpy(field(set, o), &copy, sizeof(copy));
    return DM_OK;
}

static int put(const struct dm_opt_set *set, const struct dm_opt *o, const char *text,
               struct dm_arena *a, struct dm_err *e)
{
    bool flag;
    double number;
    int choice;
    switch (o->type) {
    case DM_OPT_BOOL:
        if (!parse_bool(text, &flag)) {
            return refuse(o, text, e);
        }
        memcpy(field(set, o), &flag, sizeof(flag));
        return DM_OK;
    case DM_OPT_I32:
        if (!parse_number(o, text, &number) || number != trunc(number)) {
            return refuse(o, text, e);
        }
        put_i32(set, o, (int32_t)number);
        return DM_OK;
    case DM_OPT_F64:
        if (!parse_number(o, text, &number)) {
            return refuse(o, text, e);
        }
        memcpy(field(set, o), &number, sizeof(number));
        return DM_OK;
    case DM_OPT_ENUM:
        choice = find_choice(o, text);
        if (choice < 0) {
            return refuse(o, text, e);
        }
        put_i32(set, o, choice);
        return DM_OK;
    case DM_OPT_STR:
        return put_text(set, o, text, a, e);
    case DM_OPT_TYPE_MAX_:
        break;
    }
    DM_FAIL(e, DM_EINTERNAL, "%s: type %d", o->name, (int)o->type);
}

void dm_opt_defaults(struct dm_opt_set *set)
{
    for (size_t i = 0; i < set->n; i++) {
        int code = put(set, &set->table[i], set->table[i].def, NULL, NULL);
        DM_BUG_UNLESS(code == DM_OK);
        set->sources[i] = (struct dm_opt_source){.origin = DM_ORIGIN_DEFAULT};
    }
}

int dm_opt_set_value(struct dm_opt_set *set, size_t index, const char *text,
                     struct dm_opt_source source, struct dm_arena *a, struct dm_err *e)
{
    DM_BUG_UNLESS(index < set->n);
    DM_TRY(put(set, &set->table[index], text, a, e));
    set->sources[index] = source;
    return DM_OK;
}

/* Keeps the best candidate of a search for the nearest name. */
struct nearest {
    const char *given;
    size_t distance;
    char name[DM_OPT_NAME_MAX];
};

/* Optimal string alignment distance (a swap of neighbours counts once), up to DM_OPT_NAME_MAX
 * characters; longer names are never near. */
static size_t distance(const char *a, const char *b)
{
    size_t la = strlen(a);
    size_t lb = strlen(b);
    size_t rows[3][DM_OPT_NAME_MAX + 1];
    if (la > DM_OPT_NAME_MAX || lb > DM_OPT_NAME_MAX) {
        return SIZE_MAX;
    }
    size_t *before = rows[0];
    size_t *last = rows[1];
    size_t *now = rows[2];
    for (size_t j = 0; j <= lb; j++) {
        last[j] = j;
    }
    for (size_t i = 1; i <= la; i++) {
        now[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            size_t d = last[j - 1] + (a[i - 1] != b[j - 1]);
            d = DM_MIN(d, last[j] + 1);
            d = DM_MIN(d, now[j - 1] + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                d = DM_MIN(d, before[j - 2] + 1);
            }
            now[j] = d;
        }
        size_t *oldest = before;
        before = last;
        last = now;
        now = oldest;
    }
    return last[lb];
}

static bool near_enough(const char *given, size_t d)
{
    return d <= 3 && 2 * d < strlen(given);
}

static void consider(struct nearest *best, const char *name)
{
    size_t d = distance(best->given, name);
    if (near_enough(best->given, d) && d < best->distance) {
        best->distance = d;
        (void)snprintf(best->name, sizeof(best->name), "%s", name);
    }
}

int dm_opt_find(const struct dm_opt_set *set, const char *name, struct dm_err *e)
{
    bool by_flag = !strchr(name, '.');
    struct nearest best = {.given = name, .distance = SIZE_MAX};
    char buffer[DM_OPT_NAME_MAX];
    for (size_t i = 0; i < set->n; i++) {
        const char *own = by_flag ? dm_opt_flag(&set->table[i], buffer) : set->table[i].name;
        if (!strcmp(own, name)) {
            return (int)i;
        }
        consider(&best, own);
    }
    if (best.name[0]) {
        DM_FAIL(e, DM_ENOTFOUND, "no option \"%.60s\"; did you mean \"%s\"?", name, best.name);
    }
    DM_FAIL(e, DM_ENOTFOUND, "no option \"%.60s\"", name);
}

const char *dm_opt_print(const struct dm_opt_set *set, size_t index, struct dm_arena *a)
{
    const struct dm_opt *o = &set->table[index];
    const void *at = field(set, o);
    const char *s = NULL;
    bool flag;
    int32_t i;
    double v;
    char text[40];
    switch (o->type) {
    case DM_OPT_BOOL:
        memcpy(&flag, at, sizeof(flag));
        s = flag ? "true" : "false";
        break;
    case DM_OPT_I32:
        memcpy(&i, at, sizeof(i));
        (void)snprintf(text, sizeof(text), "%d", i);
        s = text;
        break;
    case DM_OPT_ENUM:
        memcpy(&i, at, sizeof(i));
        s = o->choices[i];
        break;
    case DM_OPT_F64: /* the shortest of two forms that reads back as the same number */
        memcpy(&v, at, sizeof(v));
        (void)snprintf(text, sizeof(text), "%.15g", v);
        if (strtod(text, NULL) != v) {
            (void)snprintf(text, sizeof(text), "%.17g", v);
        }
        s = text;
        break;
    case DM_OPT_STR:
        memcpy(&s, at, sizeof(s));
        break;
    case DM_OPT_TYPE_MAX_:
        break;
    }
    DM_BUG_UNLESS(s);
    if ((o->flags & DM_OPT_SECRET) && *s) {
        s = "(set)";
    }
    return dm_arena_strdup(a, s);
}

const char *dm_nearest(const char *given, const char *const *names)
{
    const char *best = NULL;
    size_t least = SIZE_MAX;
    for (; *names; names++) {
        size_t d = distance(given, *names);
        if (near_enough(given, d) && d < least) {
            least = d;
            best = *names;
        }
    }
    return best;
}
