/* SPDX-License-Identifier: Apache-2.0
 *
 * Python literals: strings, whole numbers, and flat lists and dicts of them. */
#include "nn/pyrepr.h"

#include <string.h>

#include "base/limits.h"
#include "base/text.h"

static const char *skip_space(const char *p)
{
    while (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r') {
        p++;
    }
    return p;
}

/* Past a character that must be there, NULL when it is not. Accepts NULL. */
static const char *expect(const char *p, char c)
{
    if (!p) {
        return NULL;
    }
    p = skip_space(p);
    return *p == c ? p + 1 : NULL;
}

/* A whole number of at most 18 digits; NULL when there is none. */
static const char *read_int(const char *p, int64_t *ret)
{
    p = skip_space(p);
    bool negative = *p == '-';
    p += negative;
    int64_t v = 0;
    int digits = 0;
    for (; *p >= '0' && *p <= '9'; p++, digits++) {
        if (digits == 18) {
            return NULL;
        }
        v = v * 10 + (*p - '0');
    }
    if (digits == 0) {
        return NULL;
    }
    *ret = negative ? -v : v;
    return p;
}

/* The closing quote of the string whose opening quote is at p, NULL when it never closes. */
static const char *string_end(const char *p)
{
    char quote = *p++;
    while (*p && *p != quote) {
        p += p[0] == '\\' && p[1] ? 2 : 1;
    }
    return *p ? p : NULL;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* UTF-8 of a code point; 0 bytes for NUL, surrogates and what lies beyond Unicode. */
static size_t put_utf8(uint32_t c, char to[static 4])
{
    if (c == 0 || c > 0x10FFFF || (c >= 0xD800 && c < 0xE000)) {
        return 0;
    }
    if (c < 0x80) {
        to[0] = (char)c;
        return 1;
    }
    size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--) {
        to[i] = (char)(0x80 | (c & 0x3F));
        c >>= 6;
    }
    to[0] = (char)((0xF00 >> n) | c);
    return n;
}

/* One escape, p behind the backslash. Adds to *to; returns behind it, NULL when malformed. */
static const char *read_escape(const char *p, const char *end, char **to)
{
    static const char from[] = "\\'\"nrt";
    static const char plain[] = "\\'\"\n\r\t";
    const char *hit = strchr(from, *p);
    if (hit && *hit) {
        *(*to)++ = plain[hit - from];
        return p + 1;
    }
    int digits = *p == 'x' ? 2 : *p == 'u' ? 4 : *p == 'U' ? 8 : 0;
    if (digits == 0 || end - p <= digits) {
        return NULL;
    }
    uint32_t c = 0;
    for (int i = 1; i <= digits; i++) {
        int d = hex_digit(p[i]);
        if (d < 0 || c > 0x10FFFF) {
            return NULL;
        }
        c = c * 16 + (uint32_t)d;
    }
    char utf8[4];
    size_t n = put_utf8(c, utf8);
    memcpy(*to, utf8, n); /* an escape is longer than what it stands for: there is room */
    *to += n;
    return n ? p + digits + 1 : NULL;
}

/* A quoted string into a. Returns behind it; NULL when malformed, *ret NULL when out of memory. */
static const char *read_string(const char *p, struct dm_arena *a, char **ret)
{
    p = skip_space(p);
    const char *end = *p == '\'' || *p == '"' ? string_end(p) : NULL;
    if (!end) {
        return NULL;
    }
    char *to = dm_arena_alloc(a, (size_t)(end - p));
    *ret = to;
    if (!to) {
        return end + 1;
    }
    for (p++; p && p < end;) {
        if (*p == '\\') {
            p = read_escape(p + 1, end, &to);
        } else {
            *to++ = *p++;
        }
    }
    *to = '\0';
    return p ? end + 1 : NULL;
}

/* Strings in a list or dict: an upper bound of its entries. */
static size_t count_strings(const char *p)
{
    size_t n = 0;
    for (; p && *p; p++) {
        if (*p == '\'' || *p == '"') {
            n++;
            p = string_end(p);
            if (!p) {
                break;
            }
        }
    }
    return n;
}

struct names {
    const char *text; /* start, for messages */
    bool dict;
    int n; /* capacity, then count */
    const char **name;
    struct dm_arena *arena;
};

/* One entry "key: 'name'" or "'name'" into its place; *p moves behind it. */
static int read_name(struct names *s, const char **p, int64_t index, struct dm_err *e)
{
    const char *at = *p;
    char *name = NULL;
    if (s->dict) {
        at = expect(read_int(at, &index), ':');
    }
    at = at ? read_string(at, s->arena, &name) : NULL;
    if (!at) {
        DM_FAIL(e, DM_EMODEL, "not a Python dict or list of names at byte %td", *p - s->text);
    }
    const char *clean = name ? dm_text_clean(name, DM_TEXT_JSON, s->arena) : NULL;
    if (!clean) {
        DM_FAIL(e, DM_ENOMEM, "no memory for class names");
    }
    if (strlen(clean) > LIMIT_MODEL_NAME_BYTES) {
        DM_FAIL(e, DM_ELIMIT, "class name of %zu bytes, the limit is %d", strlen(clean),
                LIMIT_MODEL_NAME_BYTES);
    }
    if (index < 0 || index >= s->n || s->name[index]) {
        DM_FAIL(e, DM_EMODEL, "class numbers are not 0 to n-1, each once: %lld", (long long)index);
    }
    s->name[index] = clean;
    *p = at;
    return DM_OK;
}

int nn_py_names(const char *text, struct dm_arena *a, const char *const **ret, struct dm_err *e)
{
    const char *p = skip_space(text);
    struct names s = {.text = text, .dict = *p == '{', .arena = a};
    size_t n = count_strings(p);
    if ((*p != '{' && *p != '[') || n == 0) {
        DM_FAIL(e, DM_EMODEL, "not a Python dict or list of names");
    }
    if (n > LIMIT_MODEL_CLASSES) {
        DM_FAIL(e, DM_ELIMIT, "%zu classes, the limit is %d", n, LIMIT_MODEL_CLASSES);
    }
    s.n = (int)n;
    s.name = dm_arena_calloc(a, n, sizeof(*s.name));
    if (!s.name) {
        DM_FAIL(e, DM_ENOMEM, "no memory for %zu class names", n);
    }
    p++;
    for (int i = 0; i < s.n; i++) {
        DM_TRY(read_name(&s, &p, i, e));
        p = skip_space(p);
        p += *p == ',' ? 1 : 0;
    }
    p = expect(p, s.dict ? '}' : ']');
    if (!p || *skip_space(p)) {
        DM_FAIL(e, DM_EMODEL,
                "not a Python dict or list of names: it does not end where it should");
    }
    *ret = s.name;
    return s.n;
}

int nn_py_ints(const char *text, int max, int64_t ret[])
{
    const char *p = skip_space(text);
    char close = *p == '[' ? ']' : *p == '(' ? ')' : '\0';
    p += close ? 1 : 0;
    int n = 0;
    do {
        p = n < max ? read_int(p, &ret[n]) : NULL;
        if (!p) {
            return -1;
        }
        n++;
        p = skip_space(p);
    } while (*p == ',' && close && *skip_space(++p) != close);
    p = skip_space(p);
    if (close) {
        p = expect(p, close);
    }
    return p && !*skip_space(p) ? n : -1;
}

/* Past one value of a dict, whatever it is: to the comma or brace that ends it. NULL when it does
 * not end. */
static const char *skip_value(const char *p)
{
    for (int depth = 0; *p; p++) {
        if (*p == '\'' || *p == '"') {
            p = string_end(p);
            if (!p) {
                return NULL;
            }
        } else if (depth == 0 && (*p == ',' || *p == '}')) {
            return p;
        } else if (strchr("([{", *p)) {
            depth++;
        } else if (strchr(")]}", *p)) {
            depth--;
        }
    }
    return NULL;
}

bool nn_py_dict_true(const char *text, const char *key)
{
    size_t len = strlen(key);
    const char *p = expect(text, '{');
    while (p) {
        p = skip_space(p);
        const char *end = *p == '\'' || *p == '"' ? string_end(p) : NULL;
        const char *value = end ? expect(end + 1, ':') : NULL;
        if (!value) {
            return false;
        }
        if ((size_t)(end - p - 1) == len && memcmp(p + 1, key, len) == 0) {
            int64_t number = 0;
            value = skip_space(value);
            return strncmp(value, "True", 4) == 0 || (read_int(value, &number) && number != 0);
        }
        p = expect(skip_value(value), ',');
    }
    return false;
}
