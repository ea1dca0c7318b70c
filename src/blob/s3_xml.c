/* SPDX-License-Identifier: Apache-2.0
 *
 * One pass over the text with a stack of names; every size is bounded. */
#include "blob/s3_xml.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct parser {
    const char *at, *end;
    char name[S3_XML_DEPTH][S3_XML_NAME_MAX + 1];
    size_t depth;
    char text[S3_XML_TEXT_MAX + 1];
    size_t text_n;
    bool ended; /* the root has */
    s3_xml_fn fn;
    void *ctx;
};

static int broken(struct dm_err *e, const char *why)
{
    DM_FAIL(e, DM_EIO, "the server's answer is broken XML: %s", why);
}

static const char *find(const struct parser *p, const char *what)
{
    return memmem(p->at, (size_t)(p->end - p->at), what, strlen(what));
}

static void put_utf8(struct parser *p, uint32_t c)
{
    char out[4];
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = n; i-- > 1; c >>= 6) {
        out[i] = (char)(0x80 | (c & 0x3f));
    }
    out[0] = (char)(lead[n] | c);
    for (size_t i = 0; i < n && p->text_n < S3_XML_TEXT_MAX; i++) {
        p->text[p->text_n++] = out[i];
    }
}

/* p->at is behind the ampersand. */
static int entity(struct parser *p, struct dm_err *e)
{
    static const struct {
        const char *name;
        char c;
    } known[] = {{"amp;", '&'}, {"lt;", '<'}, {"gt;", '>'}, {"quot;", '"'}, {"apos;", '\''}};
    size_t left = (size_t)(p->end - p->at);
    for (size_t i = 0; i < DM_COUNT(known); i++) {
        size_t n = strlen(known[i].name);
        if (left >= n && !memcmp(p->at, known[i].name, n)) {
            p->at += n;
            put_utf8(p, (uint32_t)known[i].c);
            return DM_OK;
        }
    }
    const char *semicolon = memchr(p->at, ';', DM_MIN(left, (size_t)10));
    if (!semicolon || *p->at != '#' || semicolon - p->at < 2) {
        return broken(e, "an unknown entity");
    }
    char digits[12] = "";
    bool hex = p->at[1] == 'x';
    const char *from = p->at + (hex ? 2 : 1);
    memcpy(digits, from, (size_t)(semicolon - from));
    char *stop = NULL;
    unsigned long c = strtoul(digits, &stop, hex ? 16 : 10);
    bool number = digits[0] && strspn(digits, "0123456789abcdefABCDEF") == strlen(digits);
    if (!number || *stop || c == 0 || c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) {
        return broken(e, "a bad character number");
    }
    p->at = semicolon + 1;
    put_utf8(p, (uint32_t)c);
    return DM_OK;
}

static int close_element(struct parser *p, struct dm_err *e)
{
    p->text[p->text_n] = '\0';
    p->depth--;
    p->ended = p->depth == 0;
    DM_TRY(p->fn(p->ctx, p->depth ? p->name[p->depth - 1] : "", p->name[p->depth], p->text, e));
    p->text_n = 0;
    return DM_OK;
}

/* p->at is behind "</". */
static int close_tag(struct parser *p, struct dm_err *e)
{
    const char *gt = find(p, ">");
    size_t n = gt ? (size_t)(gt - p->at) : 0;
    while (n > 0 && strchr(" \t\r\n", p->at[n - 1])) {
        n--;
    }
    if (!gt || !p->depth || strlen(p->name[p->depth - 1]) != n ||
        memcmp(p->name[p->depth - 1], p->at, n) != 0) {
        return broken(e, "an end without a beginning");
    }
    p->at = gt + 1;
    return close_element(p, e);
}

static bool ends_name(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '/' || c == '>';
}

/* p->at is behind "<". */
static int open_tag(struct parser *p, struct dm_err *e)
{
    size_t n = 0;
    size_t left = (size_t)(p->end - p->at);
    while (n < left && !ends_name(p->at[n])) {
        n++;
    }
    if (n == 0 || n > S3_XML_NAME_MAX || p->depth == S3_XML_DEPTH || p->ended ||
        memchr(p->at, '\0', n)) {
        return broken(e, "a bad element");
    }
    memcpy(p->name[p->depth], p->at, n);
    p->name[p->depth][n] = '\0';
    p->at += n;
    char quote = 0; /* an attribute may hold a > */
    for (; p->at < p->end && (quote || *p->at != '>'); p->at++) {
        if (quote ? *p->at == quote : (*p->at == '"' || *p->at == '\'')) {
            quote = quote ? (char)0 : *p->at;
        }
    }
    if (p->at == p->end) {
        return broken(e, "an element without end");
    }
    bool empty = p->at[-1] == '/';
    p->at++;
    p->depth++;
    p->text_n = 0;
    return empty ? close_element(p, e) : DM_OK;
}

static int skip_past(struct parser *p, const char *what, struct dm_err *e)
{
    const char *to = find(p, what);
    if (!to) {
        return broken(e, "an open comment");
    }
    p->at = to + strlen(what);
    return DM_OK;
}

/* p->at is at "<". */
static int markup(struct parser *p, struct dm_err *e)
{
    p->at++;
    size_t left = (size_t)(p->end - p->at);
    if (left >= 1 && *p->at == '?') {
        return skip_past(p, "?>", e);
    }
    if (left >= 3 && !memcmp(p->at, "!--", 3)) {
        return skip_past(p, "-->", e);
    }
    if (left >= 1 && *p->at == '/') {
        p->at++;
        return close_tag(p, e);
    }
    if (left < 1 || *p->at == '!') {
        return broken(e, "a declaration");
    }
    return open_tag(p, e);
}

int s3_xml_parse(const char *text, size_t n, s3_xml_fn fn, void *ctx, struct dm_err *e)
{
    struct parser p = {.at = text, .end = text + n, .fn = fn, .ctx = ctx};
    while (p.at < p.end) {
        if (*p.at == '<') {
            DM_TRY(markup(&p, e));
        } else if (*p.at == '&') {
            p.at++;
            DM_TRY(entity(&p, e));
        } else {
            if (p.depth && *p.at && p.text_n < S3_XML_TEXT_MAX) {
                p.text[p.text_n++] = *p.at;
            }
            p.at++;
        }
    }
    return p.ended ? DM_OK : broken(e, "it stops early");
}
