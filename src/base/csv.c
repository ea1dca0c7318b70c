/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading CSV. A row is scanned twice: to know its cells and bytes, then to copy them out of their
 * quotes into one block. */
#include "base/csv.h"

#include <stdint.h>
#include <string.h>

#include "base/limits.h"
#include "base/text.h"

/* ---- characters --------------------------------------------------------------------------- */

/* Windows-1252, 0x80..0x9F; 0 where it has no character. Latin-1 is the rest of it. */
static const uint16_t windows_1252[32] = {
    0x20AC, 0,      0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0,      0x017D, 0,      0,      0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0,      0x017E, 0x0178,
};

static char *put_character(char *to, unsigned c)
{
    if (c < 0x80) {
        *to++ = (char)c;
    } else if (c < 0x800) {
        *to++ = (char)(0xC0 | c >> 6);
        *to++ = (char)(0x80 | (c & 0x3F));
    } else {
        *to++ = (char)(0xE0 | c >> 12);
        *to++ = (char)(0x80 | (c >> 6 & 0x3F));
        *to++ = (char)(0x80 | (c & 0x3F));
    }
    return to;
}

/* The text as UTF-8: itself, or a copy in a. */
static const char *as_utf8(const char *text, size_t *n, struct dm_arena *a)
{
    if (dm_text_valid(text, *n)) {
        return text;
    }
    char *copy = dm_arena_alloc(a, 3 * *n + 1);
    char *to = copy;
    for (size_t i = 0; copy && i < *n; i++) {
        const unsigned c = (unsigned char)text[i];
        const bool special = c >= 0x80 && c < 0xA0;
        to = put_character(to, !special                 ? c
                               : windows_1252[c - 0x80] ? windows_1252[c - 0x80]
                                                        : 0xFFFD);
    }
    *n = copy ? (size_t)(to - copy) : 0;
    return copy;
}

/* ---- one cell ------------------------------------------------------------------------------ */

static bool is_end(char c)
{
    return c == '\n' || c == '\r';
}

/* Over a line break at *at, "\r\n" being one. */
static void skip_break(struct dm_csv *c)
{
    c->at += c->at[0] == '\r' && c->at + 1 < c->end && c->at[1] == '\n' ? 2 : 1;
    c->line++;
}

/* Where the bytes of a cell go; out NULL only counts them. */
struct sink {
    char *out;
    size_t n;
};

static void put(struct sink *s, const char *from, size_t n)
{
    if (s->out) {
        memcpy(s->out + s->n, from, n);
    }
    s->n += n;
}

/* Over blanks to an opening quote; false and unmoved when the cell does not begin with one. */
static bool open_quote(struct dm_csv *c)
{
    const char *p = c->at;
    while (p < c->end && (*p == ' ' || *p == '\t') && *p != c->separator) {
        p++;
    }
    if (p == c->end || *p != '"') {
        return false;
    }
    c->at = p + 1;
    return true;
}

/* The inside of quotes, and over the closing one; false when there is none. */
static bool quoted(struct dm_csv *c, struct sink *s)
{
    while (c->at < c->end) {
        const char *from = c->at;
        if (*from == '"') {
            c->at++;
            if (c->at == c->end || *c->at != '"') {
                return true;
            }
            c->at++;
        } else if (is_end(*from)) {
            skip_break(c);
        } else {
            c->at++;
        }
        put(s, from, *from == '"' ? 1 : (size_t)(c->at - from));
    }
    return false;
}

/* One cell; c->at is then at its separator, its line break or the end. */
static bool cell(struct dm_csv *c, struct sink *s)
{
    if (open_quote(c) && !quoted(c, s)) {
        return false;
    }
    const char *from = c->at;
    while (c->at < c->end && *c->at != c->separator && !is_end(*c->at)) {
        c->at++;
    }
    put(s, from, (size_t)(c->at - from));
    return true;
}

/* ---- separator ------------------------------------------------------------------------------ */

/* The candidate that stands between the most cells of the first rows. */
static char detect(const struct dm_csv *c)
{
    static const char candidates[] = ",;\t";
    enum { ROWS = 20 };
    char best = ',';
    size_t most = 0;
    for (const char *candidate = candidates; *candidate; candidate++) {
        struct dm_csv try = *c;
        size_t found = 0;
        try.separator = *candidate;
        for (int row = 0; row < ROWS && try.at < try.end;) {
            struct sink nothing = {0};
            if (!cell(&try, &nothing)) {
                break;
            }
            if (try.at < try.end && is_end(*try.at)) {
                skip_break(&try);
                row++;
            } else if (try.at < try.end) {
                try.at++;
                found++;
            }
        }
        if (found > most) {
            most = found;
            best = *candidate;
        }
    }
    return best;
}

int dm_csv_open(struct dm_csv *c, const char *text, size_t n, char separator, struct dm_arena *a,
                struct dm_err *e)
{
    if (n > LIMIT_CSV_BYTES) {
        DM_FAIL(e, DM_ELIMIT, "the file has more than %zu MiB", LIMIT_CSV_BYTES >> 20);
    }
    if (n > 0 && memchr(text, '\0', n)) {
        DM_FAIL(e, DM_EBADINPUT, "this is not a CSV file: it has zero bytes");
    }
    if (n >= 3 && !memcmp(text, "\xEF\xBB\xBF", 3)) {
        text += 3;
        n -= 3;
    }
    text = as_utf8(text, &n, a);
    if (!text) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the file");
    }
    *c = (struct dm_csv){.at = text, .end = text + n, .line = 1, .separator = separator};
    if (!separator) {
        c->separator = detect(c);
    }
    return DM_OK;
}

/* ---- rows ----------------------------------------------------------------------------------- */

/* Over the row at c; its cells and bytes. */
static int scan(struct dm_csv *c, size_t *ret_cells, size_t *ret_bytes, struct dm_err *e)
{
    const size_t line = c->line;
    size_t cells = 0;
    size_t bytes = 0;
    for (bool more = true; more; cells++) {
        struct sink count = {0};
        if (!cell(c, &count)) {
            DM_REFUSE(e, DM_EBADINPUT, DM_FIELDS(DM_I("line", (int64_t)line)),
                      "line %zu: a quote is opened and never closed", line);
        }
        if (count.n > LIMIT_CSV_CELL_BYTES || cells >= LIMIT_CSV_COLUMNS) {
            DM_REFUSE(e, DM_ELIMIT, DM_FIELDS(DM_I("line", (int64_t)line)),
                      "line %zu: a row has at most %d cells of %zu bytes", line, LIMIT_CSV_COLUMNS,
                      LIMIT_CSV_CELL_BYTES);
        }
        bytes += count.n + 1;
        more = c->at < c->end && !is_end(*c->at);
        c->at += more;
    }
    if (c->at < c->end) {
        skip_break(c);
    }
    *ret_cells = cells;
    *ret_bytes = bytes;
    return DM_OK;
}

static bool is_blank(const char *s, size_t *ret_n)
{
    if (s[0] == '\xC2' && s[1] == '\xA0') { /* no-break space */
        *ret_n = 2;
        return true;
    }
    *ret_n = 1;
    return *s == ' ' || *s == '\t' || is_end(*s);
}

/* Cut blanks off both ends of s[n], in place. */
static char *trim(char *s, size_t n)
{
    size_t w;
    s[n] = '\0';
    while (n > 0 && (is_blank(s + n - 1, &w) || (n > 1 && is_blank(s + n - 2, &w) && w == 2))) {
        n -= w;
        s[n] = '\0';
    }
    while (*s && is_blank(s, &w)) {
        s += w;
    }
    return s;
}

int dm_csv_next(struct dm_csv *c, struct dm_arena *a, struct dm_csv_row *ret, struct dm_err *e)
{
    while (c->at < c->end) {
        struct dm_csv again = *c;
        const size_t line = c->line;
        size_t n = 0;
        size_t bytes = 0;
        bool something = false;
        DM_TRY(scan(c, &n, &bytes, e));
        const char **list = dm_arena_calloc(a, n, sizeof(*list));
        char *block = dm_arena_alloc(a, bytes);
        if (!list || !block) {
            DM_FAIL(e, DM_ENOMEM, "no memory for line %zu", line);
        }
        for (size_t i = 0; i < n; i++) {
            struct sink s = {.out = block};
            (void)cell(&again, &s);
            again.at += i + 1 < n;
            list[i] = trim(block, s.n);
            something = something || list[i][0];
            block += s.n + 1;
        }
        if (something) {
            *ret = (struct dm_csv_row){line, n, list};
            return 1;
        }
    }
    return 0;
}

/* ---- columns -------------------------------------------------------------------------------- */

static bool listed(const char *const *headers, const char *key)
{
    for (; *headers; headers++) {
        if (!strcmp(*headers, key)) {
            return true;
        }
    }
    return false;
}

int dm_csv_columns(const struct dm_csv_row *header, const struct dm_csv_column *columns, size_t n,
                   int *ret, struct dm_arena *a, struct dm_err *e)
{
    for (size_t i = 0; i < n; i++) {
        ret[i] = -1;
    }
    for (size_t cell_no = 0; cell_no < header->n; cell_no++) {
        const char *key = dm_text_key(header->cell[cell_no], a);
        if (!key) {
            DM_FAIL(e, DM_ENOMEM, "no memory for the header");
        }
        for (size_t i = 0; i < n; i++) {
            if (ret[i] < 0 && listed(columns[i].headers, key)) {
                ret[i] = (int)cell_no;
                break;
            }
        }
    }
    for (size_t i = 0; i < n; i++) {
        if (ret[i] < 0 && columns[i].required) {
            DM_REFUSE(
                e, DM_EBADINPUT,
                DM_FIELDS(DM_S("column", columns[i].name), DM_I("line", (int64_t)header->line)),
                "line %zu: there is no column '%s'", header->line, columns[i].name);
        }
    }
    return DM_OK;
}

const char *dm_csv_cell(const struct dm_csv_row *row, int column)
{
    return column >= 0 && (size_t)column < row->n ? row->cell[column] : "";
}
