/* SPDX-License-Identifier: Apache-2.0
 *
 * Text and path helpers. */
#include "base/text.h"

#include <stdint.h>
#include <string.h>

/* Length of the valid UTF-8 sequence at s, 0 when there is none (RFC 3629: no overlong forms, no
 * surrogates, at most U+10FFFF). */
static size_t sequence(const unsigned char *s)
{
    static const struct {
        unsigned char lo, hi;   /* of the first byte */
        unsigned char lo2, hi2; /* of the second */
        size_t n;
    } forms[] = {
        {0x01, 0x7F, 0, 0, 1},       {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3},
        {0xE1, 0xEC, 0x80, 0xBF, 3}, {0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3},
        {0xF0, 0xF0, 0x90, 0xBF, 4}, {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4},
    };
    for (size_t f = 0; f < DM_COUNT(forms); f++) {
        if (s[0] < forms[f].lo || s[0] > forms[f].hi) {
            continue;
        }
        if (forms[f].n > 1 && (s[1] < forms[f].lo2 || s[1] > forms[f].hi2)) {
            return 0;
        }
        for (size_t i = 2; i < forms[f].n; i++) { /* stops at the NUL: it is no continuation */
            if ((s[i] & 0xC0) != 0x80) {
                return 0;
            }
        }
        return forms[f].n;
    }
    return 0;
}

bool dm_text_valid(const char *s, size_t n)
{
    for (size_t i = 0; i < n;) {
        unsigned char last[5] = {0}; /* a sequence that is cut must not be read beyond */
        const unsigned char *at = (const unsigned char *)s + i;
        if (n - i < 4) {
            memcpy(last, at, n - i);
            at = last;
        }
        const size_t step = sequence(at);
        if (step == 0) {
            return false;
        }
        i += step;
    }
    return true;
}

static bool is_control(const unsigned char *s, size_t n)
{
    return (n == 1 && (s[0] < 0x20 || s[0] == 0x7F)) || (n == 2 && s[0] == 0xC2 && s[1] < 0xA0);
}

static bool keeps(const unsigned char *s, size_t n, enum dm_text_use use)
{
    return n > 0 && !(use == DM_TEXT_TERMINAL && is_control(s, n));
}

const char *dm_text_clean(const char *s, enum dm_text_use use, struct dm_arena *a)
{
    size_t bad = 0;
    const unsigned char *from = (const unsigned char *)s;
    while (*from) {
        size_t n = sequence(from);
        bad += !keeps(from, n, use);
        from += n ? n : 1;
    }
    if (bad == 0) {
        return s;
    }
    char *copy = dm_arena_alloc(a, strlen(s) + 2 * bad + 1); /* U+FFFD takes three bytes */
    if (!copy) {
        return NULL;
    }
    char *to = copy;
    for (from = (const unsigned char *)s; *from;) {
        size_t n = sequence(from);
        bool keep = keeps(from, n, use);
        size_t put = keep ? n : 3;
        memcpy(to, keep ? (const void *)from : "\xEF\xBF\xBD", put);
        to += put;
        from += n ? n : 1;
    }
    *to = '\0';
    return copy;
}

size_t dm_text_width(const char *s)
{
    size_t n = 0;
    for (; *s; s++) {
        n += ((unsigned char)*s & 0xC0) != 0x80;
    }
    return n;
}

size_t dm_text_prefix(const char *s, size_t width)
{
    size_t i = 0;
    for (; s[i]; i++) {
        bool starts = ((unsigned char)s[i] & 0xC0) != 0x80;
        if (starts && width-- == 0) {
            break;
        }
    }
    return i;
}

/* Letter without accent of U+00C0..U+00FF, 0 when it has none. */
static char plain_letter(unsigned char second)
{
    static const char letters[] = "aaaaaa\0ceeeeiiii\0nooooo\0ouuuuy\0";
    return second == 0xBF ? 'y' : letters[second & 0x1F];
}

char *dm_text_fold(const char *s, struct dm_arena *a)
{
    char *copy = dm_arena_alloc(a, strlen(s) + 1);
    char *to = copy;
    for (const unsigned char *c = (const unsigned char *)s; copy && *c;) {
        const bool latin = c[0] == 0xC3 && (c[1] & 0xC0) == 0x80;
        const bool mark = (c[0] == 0xCC && (c[1] & 0xC0) == 0x80) ||
                          (c[0] == 0xCD && c[1] >= 0x80 && c[1] <= 0xAF);
        if (latin && plain_letter(c[1])) {
            *to++ = plain_letter(c[1]);
            c += 2;
        } else if (mark) { /* combining accents, U+0300..U+036F */
            c += 2;
        } else {
            *to++ = (char)(*c >= 'A' && *c <= 'Z' ? *c - 'A' + 'a' : *c);
            c++;
        }
    }
    if (copy) {
        *to = '\0';
    }
    return copy;
}

char *dm_text_key(const char *s, struct dm_arena *a)
{
    char *key = dm_text_fold(s, a);
    char *to = key;
    for (const char *c = key; c && *c; c++) {
        const bool kept = (*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9');
        if (kept || (to > key && to[-1] != '_')) {
            *to++ = kept ? *c : '_';
        }
    }
    if (key) {
        to -= to > key && to[-1] == '_';
        *to = '\0';
    }
    return key;
}

const char *dm_path_base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

char *dm_path_stem(const char *path, struct dm_arena *a)
{
    const char *base = dm_path_base(path);
    const char *dot = strrchr(base, '.');
    size_t n = dot && dot > base ? (size_t)(dot - base) : strlen(base);
    return dm_arena_strndup(a, base, n);
}

char *dm_path_join(const char *dir, const char *name, struct dm_arena *a)
{
    size_t n = strlen(dir);
    bool alone = n == 0 || name[0] == '/';
    bool slash = !alone && dir[n - 1] != '/';
    return dm_arena_printf(a, "%s%s%s", alone ? "" : dir, slash ? "/" : "", name);
}
