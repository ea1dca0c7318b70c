/* SPDX-License-Identifier: Apache-2.0
 *
 * A look at the boxes of a HEIF or AVIF file (ISO/IEC 14496-12 and 23008-12) before libheif 1.15
 * reads it. That version follows references between items without looking for circles, copies every
 * item's bytes however often they overlap, unpacks compressed metadata without a limit, searches
 * its item list once an item, allocates the size a grid claims whatever the picture's header says,
 * and pastes grid tiles with an alpha plane of another depth out of bounds. So the file must have
 * the shape cameras write: one coded picture, or a grid of coded tiles, each with at most one layer
 * of auxiliary pictures; nothing derived twice.
 *
 * Where two parsers could read a file differently (a box twice), it is refused. */
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "image/codec_heif_priv.h"

#define FOURCC(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (d))

enum { MAX_REFS = 4 * LIMIT_HEIF_ITEMS };

/* A run of bytes that is read from its front. Reading past the end gives zeros and sets bad. */
struct span {
    const uint8_t *p;
    size_t n;
    bool bad;
};

struct item {
    uint32_t id;
    uint32_t type;
};

struct ref {
    uint32_t type; /* dimg: from is made of to; auxl: from is an auxiliary picture of to */
    uint32_t from;
    uint32_t to;
};

/* Where an item's bytes lie. */
struct place {
    uint32_t id;
    unsigned method;  /* 0 in the file, 1 in the idat box */
    uint64_t extents; /* in how many pieces */
    uint64_t offset;  /* of the first one */
    uint64_t length;
};

struct structure {
    struct span file;
    struct span idat;
    uint32_t primary;
    size_t items;
    size_t places;
    size_t refs;
    uint64_t extent_bytes; /* of all items together */
    struct item item[LIMIT_HEIF_ITEMS];
    struct place place[LIMIT_HEIF_ITEMS];
    struct ref ref[MAX_REFS];
};

static uint64_t take(struct span *s, size_t size)
{
    uint64_t v = 0;
    if (s->n < size) {
        s->bad = true;
        s->n = 0;
        return 0;
    }
    for (size_t i = 0; i < size; i++) {
        v = v << 8 | s->p[i];
    }
    s->p += size;
    s->n -= size;
    return v;
}

/* The next box: false at the end, or when it is damaged (then s->bad). */
static bool next_box(struct span *s, uint32_t *ret_type, struct span *ret)
{
    if (s->n == 0) {
        return false;
    }
    size_t before = s->n;
    uint64_t size = take(s, 4);
    *ret_type = (uint32_t)take(s, 4);
    if (size == 1) {
        size = take(s, 8);
    } else if (size == 0) {
        size = before; /* to the end of the file */
    }
    size_t head = before - s->n;
    if (s->bad || size < head || size > before) {
        s->bad = true;
        return false;
    }
    *ret = (struct span){.p = s->p, .n = (size_t)size - head};
    s->p += ret->n;
    s->n -= ret->n;
    return true;
}

static int damaged(const char *where, struct dm_err *e)
{
    DM_FAIL(e, DM_EDECODE, "HEIF is cut off or damaged in its %s", where);
}

static int parse_pitm(struct structure *st, struct span s, struct dm_err *e)
{
    uint64_t version = take(&s, 4) >> 24;
    st->primary = (uint32_t)take(&s, version == 0 ? 2 : 4);
    return s.bad ? damaged("primary item", e) : DM_OK;
}

/* Skip a NUL-terminated string; is it empty? */
static bool skip_string(struct span *s)
{
    const uint8_t *end = memchr(s->p, 0, s->n);
    size_t n = end ? (size_t)(end - s->p) : s->n;
    s->p += end ? n + 1 : n;
    s->n -= end ? n + 1 : n;
    return n == 0;
}

static int parse_infe(struct structure *st, struct span s, struct dm_err *e)
{
    uint64_t version = take(&s, 4) >> 24;
    struct item it = {.id = (uint32_t)take(&s, version == 3 ? 4 : 2)};
    (void)take(&s, 2); /* protection */
    if (version >= 2) {
        it.type = (uint32_t)take(&s, 4);
    }
    if (s.bad || version > 3) {
        return damaged("list of items", e);
    }
    if (it.type == FOURCC('m', 'i', 'm', 'e')) {
        (void)skip_string(&s); /* name */
        (void)skip_string(&s); /* content type */
        if (!skip_string(&s)) {
            DM_FAIL(e, DM_EUNSUPPORTED, "HEIF with compressed metadata is not supported");
        }
    }
    if (st->items == LIMIT_HEIF_ITEMS) {
        DM_FAIL(e, DM_ELIMIT, "HEIF with more than %d items", LIMIT_HEIF_ITEMS);
    }
    st->item[st->items++] = it;
    return DM_OK;
}

static int parse_iinf(struct structure *st, struct span s, struct dm_err *e)
{
    uint64_t version = take(&s, 4) >> 24;
    (void)take(&s, version == 0 ? 2 : 4); /* count: the boxes are counted instead */
    uint32_t type;
    struct span box;
    while (next_box(&s, &type, &box)) {
        if (type == FOURCC('i', 'n', 'f', 'e')) {
            DM_TRY(parse_infe(st, box, e));
        }
    }
    return s.bad ? damaged("list of items", e) : DM_OK;
}

static int parse_iref(struct structure *st, struct span s, struct dm_err *e)
{
    size_t id_size = take(&s, 4) >> 24 == 0 ? 2 : 4;
    uint32_t type;
    struct span box;
    while (next_box(&s, &type, &box)) {
        uint32_t from = (uint32_t)take(&box, id_size);
        size_t n = (size_t)take(&box, 2);
        for (size_t i = 0; i < n && !box.bad; i++) {
            struct ref r = {.type = type, .from = from, .to = (uint32_t)take(&box, id_size)};
            if (st->refs == MAX_REFS) {
                DM_FAIL(e, DM_ELIMIT, "HEIF with more than %d references", MAX_REFS);
            }
            st->ref[st->refs++] = r;
        }
        if (box.bad) {
            return damaged("references", e);
        }
    }
    return s.bad ? damaged("references", e) : DM_OK;
}

/* Widths of the numbers in an item's location, in bytes. */
struct iloc_sizes {
    uint64_t version;
    size_t offset, length, base, index;
};

static struct place take_place(struct structure *st, struct span *s, const struct iloc_sizes *z)
{
    struct place at = {.id = (uint32_t)take(s, z->version < 2 ? 2 : 4)};
    at.method = (unsigned)take(s, z->version > 0 ? 2 : 0) & 15;
    (void)take(s, 2); /* data reference */
    uint64_t base = take(s, z->base);
    at.extents = take(s, 2);
    for (uint64_t k = 0; k < at.extents && !s->bad; k++) {
        (void)take(s, z->index);
        uint64_t offset = take(s, z->offset);
        uint64_t length = take(s, z->length);
        bool wraps = __builtin_add_overflow(offset, base, &offset) ||
                     __builtin_add_overflow(st->extent_bytes, length, &st->extent_bytes);
        s->bad |= wraps;
        if (k == 0) {
            at.offset = offset;
            at.length = length;
        }
    }
    return at;
}

static int parse_iloc(struct structure *st, struct span s, struct dm_err *e)
{
    struct iloc_sizes z = {.version = take(&s, 4) >> 24};
    unsigned sizes = (unsigned)take(&s, 2);
    z.offset = sizes >> 12;
    z.length = sizes >> 8 & 15;
    z.base = sizes >> 4 & 15;
    z.index = z.version > 0 ? sizes & 15 : 0;
    if (z.offset > 8 || z.length > 8 || z.base > 8 || z.index > 8 || z.version > 2) {
        return damaged("item locations", e);
    }
    uint64_t items = take(&s, z.version < 2 ? 2 : 4);
    if (items > LIMIT_HEIF_ITEMS) {
        DM_FAIL(e, DM_ELIMIT, "HEIF with more than %d items", LIMIT_HEIF_ITEMS);
    }
    for (uint64_t i = 0; i < items && !s.bad; i++) {
        st->place[st->places++] = take_place(st, &s, &z);
    }
    return s.bad ? damaged("item locations", e) : DM_OK;
}

static int parse_idat(struct structure *st, struct span s, struct dm_err *e)
{
    (void)e;
    st->idat = s;
    return DM_OK;
}

static const struct {
    uint32_t type;
    bool required;
    int (*parse)(struct structure *st, struct span s, struct dm_err *e);
} parts[] = {
    {FOURCC('p', 'i', 't', 'm'), true, parse_pitm},
    {FOURCC('i', 'i', 'n', 'f'), true, parse_iinf},
    {FOURCC('i', 'l', 'o', 'c'), true, parse_iloc},
    {FOURCC('i', 'r', 'e', 'f'), false, parse_iref},
    {FOURCC('i', 'd', 'a', 't'), false, parse_idat},
};

static int parse_meta(struct structure *st, struct span s, struct dm_err *e)
{
    unsigned seen[DM_COUNT(parts)] = {0};
    uint32_t type;
    struct span box;
    (void)take(&s, 4); /* version, flags */
    while (next_box(&s, &type, &box)) {
        for (size_t i = 0; i < DM_COUNT(parts); i++) {
            if (parts[i].type == type) {
                seen[i]++;
                DM_TRY(parts[i].parse(st, box, e));
            }
        }
    }
    bool bad = s.bad;
    for (size_t i = 0; i < DM_COUNT(parts); i++) {
        bad |= seen[i] > 1 || (parts[i].required && seen[i] == 0);
    }
    return bad ? damaged("description (meta box)", e) : DM_OK;
}

static uint32_t type_of(const struct structure *st, uint32_t id)
{
    for (size_t i = 0; i < st->items; i++) {
        if (st->item[i].id == id) {
            return st->item[i].type;
        }
    }
    return 0;
}

static bool is_coded(uint32_t type)
{
    return type == FOURCC('h', 'v', 'c', '1') || type == FOURCC('a', 'v', '0', '1');
}

/* Is the item, from or to, in a reference of that type? */
static bool is_in(const struct structure *st, uint32_t type, bool from, uint32_t id)
{
    for (size_t i = 0; i < st->refs; i++) {
        const struct ref *r = &st->ref[i];
        if (r->type == type && (from ? r->from : r->to) == id) {
            return true;
        }
    }
    return false;
}

/* Does the grid's description (ISO/IEC 23008-12, 6.6.2.3.2) claim a size within the limits? */
static bool grid_size_ok(const struct structure *st, uint32_t id)
{
    const struct place *at = NULL;
    for (size_t i = 0; i < st->places && !at; i++) {
        at = st->place[i].id == id ? &st->place[i] : NULL;
    }
    if (!at || at->extents != 1 || at->method > 1) {
        return false;
    }
    struct span s = at->method == 1 ? st->idat : st->file;
    if (!s.p || at->offset > s.n || at->length > s.n - at->offset) {
        return false;
    }
    s.p += at->offset;
    s.n = (size_t)at->length;
    (void)take(&s, 1); /* version */
    size_t size = take(&s, 1) & 1 ? 4 : 2;
    (void)take(&s, 2); /* rows, columns */
    uint64_t w = take(&s, size);
    uint64_t h = take(&s, size);
    return !s.bad && w > 0 && h > 0 && w <= LIMIT_IMAGE_SIDE_MAX && h <= LIMIT_IMAGE_SIDE_MAX &&
           w * h <= UINT64_C(1000000) * LIMIT_IMAGE_MEGAPIXELS;
}

/* A coded picture, or a grid of coded pictures that have no auxiliary pictures of their own. */
static bool is_plain(const struct structure *st, uint32_t id)
{
    uint32_t type = type_of(st, id);
    if (type != FOURCC('g', 'r', 'i', 'd')) {
        return is_coded(type);
    }
    for (size_t i = 0; i < st->refs; i++) {
        const struct ref *r = &st->ref[i];
        if (r->type == FOURCC('d', 'i', 'm', 'g') && r->from == id &&
            (!is_coded(type_of(st, r->to)) ||
             is_in(st, FOURCC('a', 'u', 'x', 'l'), false, r->to))) {
            return false;
        }
    }
    return true;
}

static int check_grid(const struct structure *st, uint32_t id, struct dm_err *e)
{
    if (type_of(st, id) == FOURCC('g', 'r', 'i', 'd') && !grid_size_ok(st, id)) {
        DM_FAIL(e, DM_EDECODE, "HEIF with a damaged or oversized grid of tiles");
    }
    return DM_OK;
}

static int check_shape(const struct structure *st, struct dm_err *e)
{
    if (!is_plain(st, st->primary)) {
        uint32_t t = type_of(st, st->primary);
        if (t == 0) {
            DM_FAIL(e, DM_EDECODE, "HEIF without its primary picture");
        }
        char name[5] = {(char)(t >> 24), (char)(t >> 16), (char)(t >> 8), (char)t, '\0'};
        CODEC_FAIL(e, DM_EUNSUPPORTED, "HEIF of a kind that is not supported, primary item", name);
    }
    DM_TRY(check_grid(st, st->primary, e));
    for (size_t i = 0; i < st->refs; i++) {
        const struct ref *r = &st->ref[i];
        if (r->type != FOURCC('a', 'u', 'x', 'l') || r->to != st->primary) {
            continue;
        }
        if (!is_plain(st, r->from) || is_in(st, r->type, false, r->from)) {
            DM_FAIL(e, DM_EUNSUPPORTED, "HEIF with nested auxiliary pictures is not supported");
        }
        DM_TRY(check_grid(st, r->from, e));
    }
    return DM_OK;
}

int heif_check(struct codec_input in, struct dm_err *e)
{
    DM_CLEANUP(dm_freep) struct structure *st = dm_calloc(1, sizeof(*st));
    if (!st) {
        DM_FAIL(e, DM_ENOMEM, "no memory to read a HEIF");
    }
    struct span s = {.p = in.bytes, .n = in.n};
    struct span box;
    uint32_t type;
    unsigned metas = 0;
    st->file = s;
    while (next_box(&s, &type, &box)) {
        if (type == FOURCC('m', 'e', 't', 'a')) {
            metas++;
            DM_TRY(parse_meta(st, box, e));
        }
    }
    if (s.bad) {
        DM_FAIL(e, DM_EDECODE, "HEIF is cut off: a box ends beyond its %zu bytes", in.n);
    }
    if (metas != 1) {
        return damaged("description (meta box)", e);
    }
    if (st->extent_bytes > 2 * (uint64_t)in.n) {
        DM_FAIL(e, DM_EDECODE, "HEIF of %zu bytes is cut off or damaged: its items claim %llu",
                in.n, (unsigned long long)st->extent_bytes);
    }
    return check_shape(st, e);
}
