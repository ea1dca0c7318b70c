/* SPDX-License-Identifier: Apache-2.0
 *
 * The one form of JSON that is stored and comes back. PostgreSQL keeps JSONB, which forgets blanks,
 * the order of keys and how a number was written; SQLite keeps the text. Passing every document
 * through this form on the way in, and on the way out of JSONB, makes the answers equal.
 *
 * The form survives JSONB: store_json_canonical(jsonb(canonical)) == canonical. Integers of up to
 * 18 digits stay as written; all other numbers go through double and come out in fixed notation
 * with a point below 1e21, so that the numeric that JSONB makes of them reads back as the same
 * kind. */
#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/limits.h"
#include "store/driver.h"

enum { DEPTH_MAX = 64 };

struct reader {
    const char *s, *end;
    struct dm_buf out;
    struct dm_arena *a; /* members of objects while they are sorted */
    int depth;
    struct dm_err *e;
};

/* A member of an object: places in the output while it is built. */
struct member {
    size_t at, key_n, n; /* "key":value */
    size_t order;
    const char *text;
};

static int value(struct reader *r);

static int refuse(struct reader *r, const char *what)
{
    DM_FAIL(r->e, DM_EBADINPUT, "not JSON: %s", what);
}

static void blanks(struct reader *r)
{
    while (r->s < r->end && (*r->s == ' ' || *r->s == '\t' || *r->s == '\n' || *r->s == '\r')) {
        r->s++;
    }
}

static bool next_is(struct reader *r, char c)
{
    blanks(r);
    if (r->s < r->end && *r->s == c) {
        r->s++;
        return true;
    }
    return false;
}

static int literal(struct reader *r, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(r->end - r->s) < n || memcmp(r->s, word, n)) {
        return refuse(r, "a word that is not true, false or null");
    }
    r->s += n;
    dm_buf_append(&r->out, word, n);
    return DM_OK;
}

/* ---- strings --------------------------------------------------------------------------------- */

static int hex4(struct reader *r, uint32_t *ret)
{
    *ret = 0;
    if (r->end - r->s < 4) {
        return refuse(r, "an escape is cut off");
    }
    for (int i = 0; i < 4; i++) {
        int c = tolower((unsigned char)*r->s++);
        if (!isxdigit(c)) {
            return refuse(r, "\\u needs four hexadecimal digits");
        }
        *ret = *ret * 16 + (uint32_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    return DM_OK;
}

/* One character in the shortest form that JSON allows. */
static void put_char(struct dm_buf *b, uint32_t c)
{
    static const char short_escapes[] = "\b\f\n\r\t\"\\";
    static const char letters[] = "bfnrt\"\\";
    const char *p = c < 0x80 ? memchr(short_escapes, (int)c, sizeof(short_escapes) - 1) : NULL;
    if (p) {
        dm_buf_putc(b, '\\');
        dm_buf_putc(b, letters[p - short_escapes]);
    } else if (c < 0x20) {
        dm_buf_printf(b, "\\u%04x", (unsigned)c);
    } else if (c < 0x80) {
        dm_buf_putc(b, (char)c);
    } else if (c < 0x800) {
        dm_buf_putc(b, (char)(0xc0 | c >> 6));
        dm_buf_putc(b, (char)(0x80 | (c & 0x3f)));
    } else {
        if (c < 0x10000) {
            dm_buf_putc(b, (char)(0xe0 | c >> 12));
        } else {
            dm_buf_putc(b, (char)(0xf0 | c >> 18));
            dm_buf_putc(b, (char)(0x80 | (c >> 12 & 0x3f)));
        }
        dm_buf_putc(b, (char)(0x80 | (c >> 6 & 0x3f)));
        dm_buf_putc(b, (char)(0x80 | (c & 0x3f)));
    }
}

static int unicode_escape(struct reader *r)
{
    uint32_t c;
    DM_TRY(hex4(r, &c));
    if (c >= 0xd800 && c < 0xdc00 && r->end - r->s >= 6 && r->s[0] == '\\' && r->s[1] == 'u') {
        uint32_t low;
        r->s += 2;
        DM_TRY(hex4(r, &low));
        if (low < 0xdc00 || low > 0xdfff) {
            return refuse(r, "half of a surrogate pair");
        }
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    }
    if (!c || (c >= 0xd800 && c <= 0xdfff)) {
        return refuse(r, "a character that cannot be stored");
    }
    put_char(&r->out, c);
    return DM_OK;
}

static int escape(struct reader *r)
{
    static const char letters[] = "bfnrt\"\\/";
    static const char meaning[] = "\b\f\n\r\t\"\\/";
    if (r->s == r->end) {
        return refuse(r, "a text is not closed");
    }
    char c = *r->s++;
    if (c == 'u') {
        return unicode_escape(r);
    }
    const char *p = c ? strchr(letters, c) : NULL;
    if (!p) {
        return refuse(r, "an escape that does not exist");
    }
    put_char(&r->out, (uint32_t)(unsigned char)meaning[p - letters]);
    return DM_OK;
}

/* The text after its opening quote. UTF-8 was checked for the whole document. */
static int string(struct reader *r)
{
    dm_buf_putc(&r->out, '"');
    while (r->s < r->end && *r->s != '"') {
        unsigned char c = (unsigned char)*r->s++;
        if (c == '\\') {
            DM_TRY(escape(r));
        } else if (c < 0x20) {
            return refuse(r, "a control character in a text");
        } else {
            dm_buf_putc(&r->out, (char)c);
        }
    }
    if (r->s == r->end) {
        return refuse(r, "a text is not closed");
    }
    r->s++;
    dm_buf_putc(&r->out, '"');
    return DM_OK;
}

/* ---- numbers --------------------------------------------------------------------------------- */

static size_t skip_digits(struct reader *r)
{
    const char *from = r->s;
    while (r->s < r->end && isdigit((unsigned char)*r->s)) {
        r->s++;
    }
    return (size_t)(r->s - from);
}

/* The first of 15, 16 and 17 digits that reads back as v, in fixed notation below 1e21 and above
 * 1e-7. */
static void put_real(struct dm_buf *b, double v)
{
    char text[48];
    int digits = 15;
    v = v == 0 ? 0 : v; /* no -0: numeric has none */
    do {
        (void)snprintf(text, sizeof(text), "%.*e", digits - 1, v);
    } while (strtod(text, NULL) != v && ++digits <= 17);
    int exponent = (int)strtol(strchr(text, 'e') + 1, NULL, 10);
    char mantissa[24];
    size_t n = 0;
    for (const char *s = text; *s != 'e'; s++) {
        if (isdigit((unsigned char)*s) && n < sizeof(mantissa)) {
            mantissa[n++] = *s;
        }
    }
    while (n > 1 && mantissa[n - 1] == '0') {
        n--;
    }
    dm_buf_puts(b, v < 0 ? "-" : "");
    if (exponent >= 21 || exponent < -7) {
        dm_buf_putc(b, mantissa[0]);
        dm_buf_puts(b, n > 1 ? "." : "");
        dm_buf_append(b, mantissa + 1, n - 1);
        dm_buf_printf(b, "e%+03d", exponent);
        return;
    }
    for (int k = 0; exponent < 0 && k < -exponent; k++) {
        dm_buf_puts(b, k == 0 ? "0." : "0");
    }
    int whole = exponent < 0 ? 0 : exponent + 1;
    for (int k = 0; k < DM_MAX(whole, (int)n); k++) {
        dm_buf_puts(b, whole && k == whole ? "." : "");
        dm_buf_putc(b, k < (int)n ? mantissa[k] : '0');
    }
    dm_buf_puts(b, whole >= (int)n ? ".0" : "");
}

static int number(struct reader *r)
{
    const char *from = r->s;
    r->s += *r->s == '-';
    const char *first = r->s;
    size_t whole = skip_digits(r);
    if (!whole || (whole > 1 && *first == '0')) {
        return refuse(r, "a number is malformed");
    }
    bool integer = whole <= 18;
    if (r->s < r->end && *r->s == '.') {
        r->s++;
        integer = false;
        if (!skip_digits(r)) {
            return refuse(r, "a number ends with its point");
        }
    }
    if (r->s < r->end && (*r->s == 'e' || *r->s == 'E')) {
        r->s++;
        integer = false;
        r->s += r->s < r->end && (*r->s == '+' || *r->s == '-');
        if (!skip_digits(r)) {
            return refuse(r, "an exponent has no digits");
        }
    }
    if (integer) {
        from += whole == 1 && *first == '0' && *from == '-'; /* -0 is 0 */
        dm_buf_append(&r->out, from, (size_t)(r->s - from));
        return DM_OK;
    }
    char *copy = dm_arena_strndup(r->a, from, (size_t)(r->s - from));
    if (!copy) {
        DM_FAIL(r->e, DM_ENOMEM, "no memory for a number");
    }
    double v = strtod(copy, NULL);
    if (!isfinite(v)) {
        return refuse(r, "a number is too large");
    }
    put_real(&r->out, v);
    return DM_OK;
}

/* ---- structures ------------------------------------------------------------------------------ */

static int array(struct reader *r)
{
    dm_buf_putc(&r->out, '[');
    if (!next_is(r, ']')) {
        for (;;) {
            DM_TRY(value(r));
            if (next_is(r, ']')) {
                break;
            }
            if (!next_is(r, ',')) {
                return refuse(r, "a comma is missing in an array");
            }
            dm_buf_putc(&r->out, ',');
        }
    }
    dm_buf_putc(&r->out, ']');
    return DM_OK;
}

static int by_key(const void *pa, const void *pb)
{
    const struct member *a = pa;
    const struct member *b = pb;
    int d = memcmp(a->text, b->text, DM_MIN(a->key_n, b->key_n));
    if (!d && a->key_n != b->key_n) {
        d = a->key_n < b->key_n ? -1 : 1;
    }
    return d ? d : a->order < b->order ? -1 : 1;
}

/* Put the members, which stand in the output from `from` on, in order; of equal keys the last. */
static int sort_members(struct reader *r, size_t from, struct member *m, size_t n)
{
    DM_TRY(dm_buf_ok(&r->out, r->e));
    char *copy = dm_arena_alloc(r->a, r->out.len - from + 1);
    if (!copy) {
        DM_FAIL(r->e, DM_ENOMEM, "no memory for JSON");
    }
    memcpy(copy, r->out.data + from, r->out.len - from);
    for (size_t i = 0; i < n; i++) {
        m[i].text = copy + (m[i].at - from);
    }
    qsort(m, n, sizeof(*m), by_key);
    r->out.len = from;
    for (size_t i = 0; i < n; i++) {
        bool repeated = i + 1 < n && m[i].key_n == m[i + 1].key_n &&
                        !memcmp(m[i].text, m[i + 1].text, m[i].key_n);
        if (!repeated) {
            dm_buf_puts(&r->out, r->out.len > from ? "," : "");
            dm_buf_append(&r->out, m[i].text, m[i].n);
        }
    }
    return DM_OK;
}

static int member(struct reader *r, struct member *m)
{
    m->at = r->out.len;
    if (!next_is(r, '"')) {
        return refuse(r, "a key is missing in an object");
    }
    DM_TRY(string(r));
    m->key_n = r->out.len - m->at;
    if (!next_is(r, ':')) {
        return refuse(r, "a colon is missing in an object");
    }
    dm_buf_putc(&r->out, ':');
    DM_TRY(value(r));
    m->n = r->out.len - m->at;
    return DM_OK;
}

static int object(struct reader *r)
{
    struct member *m = NULL;
    size_t n = 0;
    size_t cap = 0;
    dm_buf_putc(&r->out, '{');
    size_t from = r->out.len;
    bool more = !next_is(r, '}');
    while (more) {
        if (n == cap) {
            struct member *grown = dm_arena_calloc(r->a, cap ? cap * 2 : 8, sizeof(*m));
            if (!grown) {
                DM_FAIL(r->e, DM_ENOMEM, "no memory for JSON");
            }
            if (n) {
                memcpy(grown, m, n * sizeof(*m));
            }
            m = grown;
            cap = cap ? cap * 2 : 8;
        }
        m[n].order = n;
        DM_TRY(member(r, &m[n]));
        n++;
        more = next_is(r, ',');
        if (!more && !next_is(r, '}')) {
            return refuse(r, "a comma is missing in an object");
        }
    }
    DM_TRY(n > 1 ? sort_members(r, from, m, n) : DM_OK);
    dm_buf_putc(&r->out, '}');
    return DM_OK;
}

static int value(struct reader *r)
{
    blanks(r);
    if (r->s == r->end) {
        return refuse(r, "it ends too early");
    }
    if (++r->depth > DEPTH_MAX) {
        return refuse(r, "it is nested too deep");
    }
    int code;
    switch (*r->s) {
    case '{':
        r->s++;
        code = object(r);
        break;
    case '[':
        r->s++;
        code = array(r);
        break;
    case '"':
        r->s++;
        code = string(r);
        break;
    case 't':
        code = literal(r, "true");
        break;
    case 'f':
        code = literal(r, "false");
        break;
    case 'n':
        code = literal(r, "null");
        break;
    default:
        code = number(r);
        break;
    }
    r->depth--;
    return code;
}

static int document(struct reader *r, struct dm_arena *a, const char **ret, size_t *ret_n)
{
    DM_TRY(value(r));
    blanks(r);
    if (r->s != r->end) {
        return refuse(r, "something follows it");
    }
    DM_TRY(dm_buf_ok(&r->out, r->e));
    const char *copy = dm_arena_strndup(a, dm_buf_str(&r->out), r->out.len);
    if (!copy) {
        DM_FAIL(r->e, DM_ENOMEM, "no memory for JSON");
    }
    *ret = copy;
    *ret_n = r->out.len;
    return DM_OK;
}

int store_json_canonical(const char *text, size_t n, struct dm_arena *a, const char **ret,
                         size_t *ret_n, struct dm_err *e)
{
    if (!store_utf8_valid(text, n)) {
        DM_FAIL(e, DM_EBADINPUT, "not JSON: not valid UTF-8");
    }
    struct dm_arena scratch = {0};
    struct reader r = {.s = text,
                       .end = text + n,
                       .out = dm_buf_init(LIMIT_STORE_VALUE_BYTES),
                       .a = &scratch,
                       .e = e};
    int code = document(&r, a, ret, ret_n);
    dm_buf_clear(&r.out);
    dm_arena_clear(&scratch);
    return code;
}
