/* SPDX-License-Identifier: Apache-2.0
 *
 * Single values of a request: parsed, bounded, brought into normal form (api.md 1.3). */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <regex.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "base/zone.h"
#include "http/schema_priv.h"

enum { INPUT_SHOWN_MAX = 256 }; /* characters of a value that an error repeats */

/* ---- faults ---- */

static int add_input(json_t *item, const json_t *input)
{
    if (json_is_string(input)) {
        const char *s = json_string_value(input);
        if (dm_text_width(s) > INPUT_SHOWN_MAX) {
            return json_object_set_new(item, "input",
                                       json_stringn(s, dm_text_prefix(s, INPUT_SHOWN_MAX)));
        }
    }
    if (json_is_object(input) || json_is_array(input)) {
        char *text = json_dumps(input, JSON_COMPACT);
        size_t n = text != NULL ? strlen(text) : 0;
        free(text);
        if (text == NULL || n > INPUT_SHOWN_MAX) {
            return 0;
        }
    }
    return json_object_set_new(item, "input", json_deep_copy(input));
}

int http_issue(struct http_taker *t, const struct http_field *f, const char *type,
               const json_t *input, json_t *ctx, const char *fmt, ...)
{
    if (json_array_size(t->issues) >= HTTP_ISSUES_MAX) {
        json_decref(ctx);
        return DM_OK;
    }
    char text[DM_ERR_TEXT_MAX];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    json_t *item =
        json_pack("{s:s, s:o?, s:s}", "type", type, "loc", json_copy(t->loc), "msg", text);
    int bad = item == NULL;
    if (item != NULL && input != NULL && !(f != NULL && (f->flags & HTTP_SECRET))) {
        bad |= add_input(item, input) < 0;
    }
    if (item != NULL && ctx != NULL) {
        bad |= json_object_set_new(item, "ctx", ctx) < 0;
    } else {
        json_decref(ctx);
    }
    if (bad) {
        json_decref(item);
        return DM_ENOMEM;
    }
    return json_array_append_new(t->issues, item) < 0 ? DM_ENOMEM : DM_OK;
}

/* ---- patterns ---- */

struct compiled {
    const char *pattern;
    regex_t regex;
    struct compiled *next;
};

static const regex_t *pattern_compiled(const char *pattern)
{
    /* Few and never freed: one for each pattern of the tables. */
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static struct compiled *all;
    pthread_mutex_lock(&lock);
    struct compiled *c = all;
    while (c != NULL && strcmp(c->pattern, pattern) != 0) {
        c = c->next;
    }
    if (c == NULL) {
        c = dm_calloc(1, sizeof(*c));
        if (c != NULL) {
            c->pattern = pattern;
            DM_BUG_UNLESS(regcomp(&c->regex, pattern, REG_EXTENDED) == 0);
            c->next = all;
            all = c;
        }
    }
    pthread_mutex_unlock(&lock);
    return c != NULL ? &c->regex : NULL;
}

bool http_pattern_match(const char *pattern, const char *s)
{
    const regex_t *regex = pattern_compiled(pattern);
    regmatch_t m;
    return regex != NULL && regexec(regex, s, 1, &m, 0) == 0 && m.rm_so == 0 && s[m.rm_eo] == '\0';
}

bool http_one_of(const char *list, const char *s)
{
    size_t n = strlen(s);
    for (const char *p = list; p != NULL; p = strchr(p, '|'), p = p != NULL ? p + 1 : NULL) {
        if (strncmp(p, s, n) == 0 && (p[n] == '|' || p[n] == '\0') && n > 0) {
            return true;
        }
    }
    return false;
}

/* ---- numbers ---- */

static int check_bounds(struct http_taker *t, const struct http_field *f, double v,
                        const json_t *in)
{
    if (f->min == 0 && f->max == 0 && !(f->flags & HTTP_ABOVE)) {
        return 1;
    }
    bool low = f->flags & HTTP_ABOVE ? v <= f->min : v < f->min;
    if (low) {
        bool above = f->flags & HTTP_ABOVE;
        DM_TRY(http_issue(t, f, above ? "greater_than" : "greater_than_equal", in,
                          json_pack("{s:f}", above ? "gt" : "ge", f->min),
                          "Input should be greater than %s%.15g", above ? "" : "or equal to ",
                          f->min));
        return 0;
    }
    if (f->max > f->min && v > f->max) {
        DM_TRY(http_issue(t, f, "less_than_equal", in, json_pack("{s:f}", "le", f->max),
                          "Input should be less than or equal to %.15g", f->max));
        return 0;
    }
    return 1;
}

/* A decimal integer, also as a number whose fraction is zero, and nothing else. */
static bool parse_int(const char *s, long long *ret)
{
    char *end = NULL;
    errno = 0;
    const char *digits = s + (*s == '-' || *s == '+');
    if (!isdigit((unsigned char)*digits)) {
        return false;
    }
    *ret = strtoll(s, &end, 10);
    if (*end == '.' && end[1] == '0') {
        end += 1 + strspn(end + 1, "0");
    }
    return errno == 0 && *end == '\0';
}

static int take_int(struct http_taker *t, const struct http_field *f, const json_t *in,
                    json_t **ret)
{
    long long v = 0;
    const char *fault = NULL;
    if (json_is_integer(in)) {
        v = json_integer_value(in);
    } else if (json_is_real(in)) {
        double d = json_real_value(in);
        v = fabs(d) < 9e15 ? (long long)d : 0;
        fault = (double)v == d ? NULL : "int_from_float";
    } else if (json_is_string(in)) {
        fault = parse_int(json_string_value(in), &v) ? NULL : "int_parsing";
    } else {
        fault = "int_type";
    }
    if (fault != NULL) {
        DM_TRY(http_issue(t, f, fault, in, NULL, "Input should be a valid integer"));
        return 0;
    }
    int ok = check_bounds(t, f, (double)v, in);
    if (ok > 0) {
        *ret = json_integer(v);
    }
    return ok;
}

static int take_num(struct http_taker *t, const struct http_field *f, const json_t *in,
                    json_t **ret)
{
    double v = 0;
    bool good = json_is_number(in);
    if (good) {
        v = json_number_value(in);
    } else if (json_is_string(in)) {
        const char *s = json_string_value(in);
        /* strtod also takes hexadecimal, infinities and leading blanks. */
        if (*s != '\0' && s[strspn(s, "0123456789+-.eE")] == '\0') {
            char *end = NULL;
            v = strtod(s, &end);
            good = *end == '\0' && end != s;
        }
    }
    if (!good || !isfinite(v)) {
        DM_TRY(http_issue(t, f, json_is_string(in) ? "float_parsing" : "float_type", in, NULL,
                          "Input should be a valid number"));
        return 0;
    }
    int ok = check_bounds(t, f, v, in);
    if (ok > 0) {
        *ret = json_is_integer(in) ? json_integer(json_integer_value(in)) : json_real(v);
    }
    return ok;
}

static int take_bool(struct http_taker *t, const struct http_field *f, const json_t *in,
                     json_t **ret)
{
    if (json_is_boolean(in)) {
        *ret = json_boolean(json_is_true(in));
        return 1;
    }
    if (t->text && json_is_string(in)) {
        char word[8] = "";
        for (size_t i = 0; i + 1 < sizeof(word) && json_string_value(in)[i] != '\0'; i++) {
            word[i] = (char)tolower((unsigned char)json_string_value(in)[i]);
        }
        if (json_string_length(in) < sizeof(word) && http_one_of("true|1|yes|on|t|y", word)) {
            *ret = json_true();
            return 1;
        }
        if (json_string_length(in) < sizeof(word) && http_one_of("false|0|no|off|f|n", word)) {
            *ret = json_false();
            return 1;
        }
    }
    DM_TRY(http_issue(t, f, json_is_string(in) ? "bool_parsing" : "bool_type", in, NULL,
                      "Input should be a valid boolean"));
    return 0;
}

/* ---- texts ---- */

static int check_string(struct http_taker *t, const struct http_field *f, const char *s,
                        const json_t *in)
{
    size_t width = dm_text_width(s);
    if (f->max > 0 && (double)width > f->max) {
        DM_TRY(http_issue(t, f, "string_too_long", in, json_pack("{s:f}", "max_length", f->max),
                          "String should have at most %.0f characters", f->max));
        return 0;
    }
    if ((double)width < f->min) {
        DM_TRY(http_issue(t, f, "string_too_short", in, json_pack("{s:f}", "min_length", f->min),
                          "String should have at least %.0f characters", f->min));
        return 0;
    }
    if (f->one_of != NULL && !http_one_of(f->one_of, s)) {
        DM_TRY(http_issue(t, f, "enum", in, json_pack("{s:s}", "expected", f->one_of),
                          "Input should be one of %s", f->one_of));
        return 0;
    }
    if (f->pattern != NULL && !http_pattern_match(f->pattern, s)) {
        DM_TRY(http_issue(t, f, "string_pattern_mismatch", in,
                          json_pack("{s:s}", "pattern", f->pattern), "String should match %s",
                          f->pattern));
        return 0;
    }
    return 1;
}

static int take_string(struct http_taker *t, const struct http_field *f, const json_t *in,
                       json_t **ret)
{
    if (!json_is_string(in)) {
        DM_TRY(http_issue(t, f, "string_type", in, NULL, "Input should be a valid string"));
        return 0;
    }
    const char *s = json_string_value(in);
    size_t n = json_string_length(in);
    if (!dm_text_valid(s, n)) {
        DM_TRY(http_issue(t, f, "string_unicode", NULL, NULL,
                          "Input should be valid Unicode without zero characters"));
        return 0;
    }
    if (f->flags & HTTP_TRIM) {
        while (n > 0 && isspace((unsigned char)s[n - 1])) {
            n--;
        }
        size_t skip = 0;
        while (skip < n && isspace((unsigned char)s[skip])) {
            skip++;
        }
        s += skip;
        n -= skip;
    }
    json_t *value = json_stringn(s, n);
    if (value == NULL) {
        return DM_ENOMEM;
    }
    if (f->flags & HTTP_UPPER) {
        char *p = (char *)(uintptr_t)json_string_value(value); /* ours alone so far */
        for (; *p != '\0'; p++) {
            *p = (char)(*p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p);
        }
    }
    int ok = check_string(t, f, json_string_value(value), in);
    if (ok > 0) {
        *ret = value;
    } else {
        json_decref(value);
    }
    return ok;
}

bool http_uuid_lower(const char *s, char ret[static 37])
{
    for (int i = 0; i < 36; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? s[i] != '-' : !isxdigit((unsigned char)s[i])) {
            return false;
        }
        ret[i] = (char)tolower((unsigned char)s[i]);
    }
    ret[36] = '\0';
    return s[36] == '\0';
}

static int take_uuid(struct http_taker *t, const struct http_field *f, const json_t *in,
                     json_t **ret)
{
    char uuid[37];
    if (!json_is_string(in) || !http_uuid_lower(json_string_value(in), uuid)) {
        DM_TRY(http_issue(t, f, "uuid_parsing", in, NULL, "Input should be a valid UUID"));
        return 0;
    }
    *ret = json_string(uuid);
    return 1;
}

static int take_date(struct http_taker *t, const struct http_field *f, const json_t *in,
                     json_t **ret)
{
    struct dm_civil day;
    if (!json_is_string(in) || strlen(json_string_value(in)) != DM_DATE_SIZE - 1 ||
        !dm_date_parse(json_string_value(in), &day)) {
        DM_TRY(http_issue(t, f, "date_from_datetime_parsing", in, NULL,
                          "Input should be a valid date, YYYY-MM-DD"));
        return 0;
    }
    *ret = json_string(json_string_value(in));
    return 1;
}

static int take_instant(struct http_taker *t, const struct http_field *f, const json_t *in,
                        json_t **ret)
{
    int64_t ms = 0;
    bool good = false;
    if (json_is_number(in)) {
        double s = json_number_value(in);
        good = s > HTTP_SECONDS_ABOVE && s < HTTP_SECONDS_BELOW;
        ms = good ? (int64_t)llround(s * 1000) : 0;
    } else if (json_is_string(in)) {
        good = http_instant_parse(json_string_value(in), &ms);
    }
    if (!good) {
        DM_TRY(http_issue(t, f, "datetime_parsing", in, NULL,
                          "Input should be a valid date and time (ISO 8601)"));
        return 0;
    }
    *ret = json_integer(ms);
    return 1;
}

int http_take_scalar(struct http_taker *t, const struct http_field *f, const json_t *in,
                     json_t **ret, struct dm_err *e)
{
    static int (*const take[])(struct http_taker *, const struct http_field *, const json_t *,
                               json_t **) = {
        [HTTP_STR] = take_string,      [HTTP_INT] = take_int,   [HTTP_NUM] = take_num,
        [HTTP_BOOL] = take_bool,       [HTTP_UUID] = take_uuid, [HTTP_DATE] = take_date,
        [HTTP_INSTANT] = take_instant,
    };
    DM_BUG_UNLESS(f->type < DM_COUNT(take) && take[f->type] != NULL);
    int ok = take[f->type](t, f, in, ret);
    if (ok < 0 || (ok > 0 && *ret == NULL)) {
        DM_FAIL(e, DM_ENOMEM, "not enough memory for a value of the request");
    }
    return ok;
}
