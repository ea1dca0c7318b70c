/* SPDX-License-Identifier: Apache-2.0
 *
 * Expansion of tokens in SQL. Runs once per statement and connection, on texts of some hundred
 * bytes; migrations are a few tens of kilobytes. */
#include "store/dialect.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "base/limits.h"

struct expander {
    const struct store_token *tokens;
    const char *engine;
    char placeholder;
    struct dm_buf *out;
    char table[64]; /* of the CREATE TABLE or ALTER TABLE at hand */
    bool skipping;  /* a part for the other engine */
    struct dm_err *e;
};

static int expand(struct expander *x, const char *s, const char *end, int depth);

/* After the quoted text that begins at s; end when it is not closed. A doubled quote closes and
 * opens again, which comes to the same. */
static const char *after_quotes(const char *s, const char *end)
{
    const char *close = memchr(s + 1, *s, (size_t)(end - s - 1));
    return close ? close + 1 : end;
}

int store_token_parse(const char *text, const char *end, struct store_token_use *ret,
                      struct dm_err *e)
{
    struct store_token_use u = {.name = text + 1};
    const char *part = NULL; /* argument at hand */
    int depth = 1;
    for (const char *s = text + 1; s < end;) {
        if (*s == '\'') {
            s = after_quotes(s, end);
            continue;
        }
        depth += (*s == '{') - (*s == '}');
        bool closes = depth == 0;
        bool splits = depth == 1 && (part ? *s == '|' : *s == ':');
        if (closes || splits) {
            if (!part) {
                u.name_n = (size_t)(s - u.name);
            } else if (u.n_args < DM_COUNT(u.arg)) {
                u.arg[u.n_args] = part;
                u.arg_n[u.n_args++] = (size_t)(s - part);
            }
            part = s + 1;
        }
        s++;
        if (closes) {
            u.end = s;
            *ret = u;
            return DM_OK;
        }
    }
    DM_FAIL(e, DM_EINTERNAL, "a brace is left open in SQL: %.40s", text);
}

static const struct store_token *find(const struct expander *x, const struct store_token_use *u)
{
    for (const struct store_token *t = x->tokens; t->name; t++) {
        if (strlen(t->name) == u->name_n && !memcmp(t->name, u->name, u->name_n)) {
            return t;
        }
    }
    return NULL;
}

/* The same word may exist with and without a column: {int} is a type, {int:c} a column. */
static const struct store_token *find_with_args(const struct expander *x,
                                                const struct store_token_use *u)
{
    for (const struct store_token *t = x->tokens; t->name && u->n_args; t++) {
        size_t n = strlen(t->name);
        if (n == u->name_n + 1 && t->name[n - 1] == ':' && !memcmp(t->name, u->name, n - 1)) {
            return t;
        }
    }
    return find(x, u);
}

static int expand_token(struct expander *x, const struct store_token_use *u, int depth)
{
    const struct store_token *t = find_with_args(x, u);
    if (!t || depth > 8) {
        DM_FAIL(x->e, DM_EINTERNAL, "there is no token {%.*s} in SQL", (int)u->name_n, u->name);
    }
    for (const char *s = t->text; *s; s++) {
        if (s[0] == '%' && s[1] == 't') {
            dm_buf_puts(x->out, x->table);
            s++;
        } else if (s[0] == '%' && s[1] >= '1' && s[1] <= '9') {
            size_t k = (size_t)(s[1] - '1');
            if (k < u->n_args) {
                DM_TRY(expand(x, u->arg[k], u->arg[k] + u->arg_n[k], depth + 1));
            }
            s++;
        } else {
            dm_buf_putc(x->out, *s);
        }
    }
    return DM_OK;
}

/* Remember the table whose definition begins at s. */
static void note_table(struct expander *x, const char *s, const char *end)
{
    static const char *const words[] = {"CREATE TABLE ", "ALTER TABLE "};
    for (size_t i = 0; i < DM_COUNT(words); i++) {
        size_t n = strlen(words[i]);
        if ((size_t)(end - s) <= n || memcmp(s, words[i], n)) {
            continue;
        }
        size_t len = 0;
        for (s += n; s < end && (isalnum((unsigned char)*s) || *s == '_'); s++) {
            if (len + 1 < sizeof(x->table)) {
                x->table[len++] = *s;
            }
        }
        x->table[len] = '\0';
        return;
    }
}

/* A comment ends with its line; "--@engine" switches. Returns what comes after. */
static const char *comment(struct expander *x, const char *s, const char *end)
{
    const char *line = memchr(s, '\n', (size_t)(end - s));
    line = line ? line : end;
    if (s[2] == '@') {
        const char *name = s + 3;
        size_t n = (size_t)(line - name);
        bool both = n == 4 && !memcmp(name, "both", 4);
        x->skipping = !both && (n != strlen(x->engine) || memcmp(name, x->engine, n) != 0);
    }
    return line;
}

/* One element of the text: quotes, comment, token, parameter or a character. *s moves behind it. */
static int element(struct expander *x, const char **s, const char *end, int depth)
{
    const char *from = *s;
    if (end - from > 2 && from[0] == '-' && from[1] == '-') {
        *s = comment(x, from, end);
    } else if (*from == '\'' || *from == '"') {
        *s = after_quotes(from, end);
        dm_buf_append(x->out, from, x->skipping ? 0 : (size_t)(*s - from));
    } else if (x->skipping) {
        *s = from + 1;
    } else if (*from == '{') {
        struct store_token_use u = {0};
        DM_TRY(store_token_parse(from, end, &u, x->e));
        *s = u.end;
        return expand_token(x, &u, depth);
    } else {
        if (*from == 'C' || *from == 'A') {
            note_table(x, from, end);
        }
        bool parameter = from[0] == '?' && end - from > 1 && isdigit((unsigned char)from[1]);
        dm_buf_putc(x->out, parameter ? x->placeholder : *from);
        *s = from + 1;
    }
    return DM_OK;
}

static int expand(struct expander *x, const char *s, const char *end, int depth)
{
    while (s < end) {
        DM_TRY(element(x, &s, end, depth));
    }
    return DM_OK;
}

int store_expand(const struct store_token *tokens, const char *engine, char placeholder,
                 const char *sql, struct dm_buf *out, struct dm_err *e)
{
    struct expander x = {
        .tokens = tokens, .engine = engine, .placeholder = placeholder, .out = out, .e = e};
    DM_TRY(expand(&x, sql, sql + strlen(sql), 0));
    return dm_buf_ok(out, e);
}
