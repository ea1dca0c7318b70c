/* SPDX-License-Identifier: Apache-2.0
 *
 * The structure check in front of libheif: which shapes of file pass and which do not. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/limits.h"
#include "image/codec_heif_priv.h"
#include "support/pictures.h"
#include "support/testing.h"

enum { ITEMS_MAX = 8, REFS_MAX = 8, FILE_MAX = 4 << 20 };

/* A file in outline; zeros end the lists. */
struct outline {
    const char *why;
    int code;
    struct {
        int id;
        const char *type;
        const char *encoding; /* of mime */
    } items[ITEMS_MAX];
    struct {
        const char *type;
        int from, to;
    } refs[REFS_MAX];
    uint32_t extent;         /* length of every item, 0: fits */
    uint16_t grid_w, grid_h; /* what a grid claims, 0: 100 */
    bool twice;              /* the item list */
    bool no_iloc;
};

static size_t full_box(struct dm_buf *b, const char *type, uint32_t version_flags)
{
    size_t at = box_begin(b, type);
    put_be(b, version_flags, 4);
    return at;
}

static void put_iinf(const struct outline *o, struct dm_buf *b)
{
    size_t iinf = full_box(b, "iinf", 0);
    put_be(b, 0, 2);
    for (int i = 0; i < ITEMS_MAX && o->items[i].id; i++) {
        size_t infe = full_box(b, "infe", 2u << 24);
        put_be(b, (uint64_t)o->items[i].id, 2);
        put_be(b, 0, 2);
        dm_buf_append(b, o->items[i].type, 4);
        dm_buf_append(b, "name", 5);
        if (strcmp(o->items[i].type, "mime") == 0) {
            dm_buf_append(b, "text/xml", 9);
            const char *encoding = o->items[i].encoding;
            if (encoding) {
                dm_buf_append(b, encoding, strlen(encoding) + 1);
            }
        }
        box_end(b, infe);
    }
    box_end(b, iinf);
}

static void put_iloc(const struct outline *o, struct dm_buf *b)
{
    size_t iloc = full_box(b, "iloc", 1u << 24);
    int n = 0;
    while (n < ITEMS_MAX && o->items[n].id) {
        n++;
    }
    put_be(b, 0x4400, 2);
    put_be(b, (uint64_t)n, 2);
    for (int i = 0; i < n; i++) {
        put_be(b, (uint64_t)o->items[i].id, 2);
        put_be(b, strcmp(o->items[i].type, "grid") == 0, 2); /* in idat */
        put_be(b, 0, 2);
        put_be(b, 1, 2);
        put_be(b, 0, 4);
        put_be(b, o->extent ? o->extent : 8, 4);
    }
    box_end(b, iloc);
}

static struct dm_buf build(const struct outline *o)
{
    struct dm_buf b = dm_buf_init(FILE_MAX);
    size_t at = box_begin(&b, "ftyp");
    dm_buf_append(&b, "heic\0\0\0\0mif1", 12);
    box_end(&b, at);
    size_t meta = full_box(&b, "meta", 0);
    at = full_box(&b, "pitm", 0);
    put_be(&b, 1, 2); /* item 1 is the primary one */
    box_end(&b, at);
    put_iinf(o, &b);
    if (o->twice) {
        put_iinf(o, &b);
    }
    if (!o->no_iloc) {
        put_iloc(o, &b);
    }
    if (o->refs[0].type) {
        size_t iref = full_box(&b, "iref", 0);
        for (int i = 0; i < REFS_MAX && o->refs[i].type; i++) {
            at = box_begin(&b, o->refs[i].type);
            put_be(&b, (uint64_t)o->refs[i].from, 2);
            put_be(&b, 1, 2);
            put_be(&b, (uint64_t)o->refs[i].to, 2);
            box_end(&b, at);
        }
        box_end(&b, iref);
    }
    at = box_begin(&b, "idat");
    put_be(&b, 0, 4); /* one row of one tile */
    put_be(&b, o->grid_w ? o->grid_w : 100, 2);
    put_be(&b, o->grid_h ? o->grid_h : 100, 2);
    box_end(&b, at);
    box_end(&b, meta);
    return b;
}

static int check(const struct dm_buf *b, struct dm_err *e)
{
    return heif_check((struct codec_input){(const uint8_t *)b->data, b->len}, e);
}

static void shapes_pass_or_do_not(void **state)
{
    (void)state;
    static const struct outline rows[] = {
        {.why = "one coded picture", .items = {{1, "hvc1", 0}}},
        {.why = "with EXIF and XMP",
         .items = {{1, "av01", 0}, {2, "Exif", 0}, {3, "mime", ""}},
         .refs = {{"cdsc", 2, 1}, {"cdsc", 3, 1}}},
        {.why = "mime without an encoding field", .items = {{1, "av01", 0}, {3, "mime", 0}}},
        {.why = "with alpha", .items = {{1, "hvc1", 0}, {2, "hvc1", 0}}, .refs = {{"auxl", 2, 1}}},
        {.why = "grid with a thumbnail and a depth map",
         .items = {{1, "grid", 0}, {2, "hvc1", 0}, {3, "hvc1", 0}, {4, "hvc1", 0}, {5, "hvc1", 0}},
         .refs = {{"dimg", 1, 2}, {"dimg", 1, 3}, {"thmb", 4, 1}, {"auxl", 5, 1}}},
        {.why = "tone map beside the primary picture",
         .items = {{1, "grid", 0}, {2, "hvc1", 0}, {3, "tmap", 0}, {4, "hvc1", 0}},
         .refs = {{"dimg", 1, 2}, {"dimg", 3, 1}, {"dimg", 3, 4}}},

        {.why = "identity",
         .code = DM_EUNSUPPORTED,
         .items = {{1, "iden", 0}, {2, "hvc1", 0}},
         .refs = {{"dimg", 1, 2}}},
        {.why = "identity of itself",
         .code = DM_EUNSUPPORTED,
         .items = {{1, "iden", 0}},
         .refs = {{"dimg", 1, 1}}},
        {.why = "overlay",
         .code = DM_EUNSUPPORTED,
         .items = {{1, "iovl", 0}, {2, "hvc1", 0}},
         .refs = {{"dimg", 1, 2}}},
        {.why = "grid of itself",
         .code = DM_EUNSUPPORTED,
         .items = {{1, "grid", 0}},
         .refs = {{"dimg", 1, 1}}},
        {.why = "grid of a grid",
         .code = DM_EUNSUPPORTED,
         .items = {{1, "grid", 0}, {2, "grid", 0}, {3, "hvc1", 0}},
         .refs = {{"dimg", 1, 2}, {"dimg", 2, 3}}},
        {.why = "grid of nothing known",
         .code = DM_EUNSUPPORTED,
         .items = {{1, "grid", 0}},
         .refs = {{"dimg", 1, 7}}},
        {.why = "grid that claims too much",
         .code = DM_EDECODE,
         .items = {{1, "grid", 0}, {2, "hvc1", 0}},
         .refs = {{"dimg", 1, 2}},
         .grid_w = 23000,
         .grid_h = 30000},
        {.why = "largest grid",
         .items = {{1, "grid", 0}, {2, "hvc1", 0}},
         .refs = {{"dimg", 1, 2}},
         .grid_w = 10000,
         .grid_h = 12000},
        {.why = "grid that claims too long a side",
         .code = DM_EDECODE,
         .items = {{1, "grid", 0}, {2, "hvc1", 0}},
         .refs = {{"dimg", 1, 2}},
         .grid_w = 40000,
         .grid_h = 10},
        {.why = "alpha that claims too much",
         .code = DM_EDECODE,
         .items = {{1, "hvc1", 0}, {2, "grid", 0}, {3, "hvc1", 0}},
         .refs = {{"dimg", 2, 3}, {"auxl", 2, 1}},
         .grid_w = 23000,
         .grid_h = 30000},
        {.why = "tile with alpha",
         .code = DM_EUNSUPPORTED,
         .items = {{1, "grid", 0}, {2, "hvc1", 0}, {3, "hvc1", 0}},
         .refs = {{"dimg", 1, 2}, {"auxl", 3, 2}}},
        {.why = "alpha of alpha",
         .code = DM_EUNSUPPORTED,
         .items = {{1, "hvc1", 0}, {2, "hvc1", 0}, {3, "hvc1", 0}},
         .refs = {{"auxl", 2, 1}, {"auxl", 3, 2}}},
        {.why = "two alphas in a circle",
         .code = DM_EUNSUPPORTED,
         .items = {{1, "hvc1", 0}, {2, "hvc1", 0}},
         .refs = {{"auxl", 2, 1}, {"auxl", 1, 2}}},
        {.why = "alpha of itself",
         .code = DM_EUNSUPPORTED,
         .items = {{1, "hvc1", 0}},
         .refs = {{"auxl", 1, 1}}},
        {.why = "derived alpha",
         .code = DM_EUNSUPPORTED,
         .items = {{1, "hvc1", 0}, {2, "iden", 0}},
         .refs = {{"auxl", 2, 1}, {"dimg", 2, 2}}},
        {.why = "no primary item", .code = DM_EDECODE, .items = {{2, "hvc1", 0}}},
        {.why = "uncompressed", .code = DM_EUNSUPPORTED, .items = {{1, "unci", 0}}},
        {.why = "compressed metadata",
         .code = DM_EUNSUPPORTED,
         .items = {{1, "hvc1", 0}, {2, "mime", "deflate"}}},
        {.why = "items longer than the file",
         .code = DM_EDECODE,
         .items = {{1, "hvc1", 0}},
         .extent = 100000},
        {.why = "items that overlap a lot",
         .code = DM_EDECODE,
         .items = {{1, "hvc1", 0}, {2, "Exif", 0}, {3, "Exif", 0}, {4, "Exif", 0}},
         .extent = 250},
        {.why = "a box twice", .code = DM_EDECODE, .items = {{1, "hvc1", 0}}, .twice = true},
        {.why = "no locations", .code = DM_EDECODE, .items = {{1, "hvc1", 0}}, .no_iloc = true},
    };
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        struct dm_err e = {0};
        struct dm_buf b = build(&rows[i]);
        int code = check(&b, &e);
        if (code != rows[i].code) {
            fail_msg("%s: %d %s", rows[i].why, code, dm_err_text(&e));
        }
        dm_buf_clear(&b);
    }
}

static void counts_are_bounded(void **state)
{
    (void)state;
    struct dm_err e = {0};
    struct dm_buf b = build(&(struct outline){.items = {{1, "hvc1", 0}}});
    size_t at = (size_t)((char *)memmem(b.data, b.len, "iloc", 4) - b.data);
    b.data[at + 10] = (char)0xff; /* 65281 locations */
    assert_int_equal(check(&b, &e), DM_ELIMIT);
    dm_buf_clear(&b);

    b = dm_buf_init(FILE_MAX);
    size_t meta = full_box(&b, "meta", 0);
    size_t iinf = full_box(&b, "iinf", 0);
    put_be(&b, 0, 2);
    for (int i = 0; i <= LIMIT_HEIF_ITEMS; i++) {
        size_t infe = full_box(&b, "infe", 2u << 24);
        put_be(&b, (uint64_t)i, 2);
        put_be(&b, 0, 2);
        dm_buf_append(&b, "hvc1", 5);
        box_end(&b, infe);
    }
    box_end(&b, iinf);
    box_end(&b, meta);
    assert_int_equal(check(&b, &e), DM_ELIMIT);
    dm_buf_clear(&b);

    b = dm_buf_init(FILE_MAX);
    meta = full_box(&b, "meta", 0);
    size_t iref = full_box(&b, "iref", 0);
    size_t dimg = box_begin(&b, "dimg");
    put_be(&b, 1, 2);
    put_be(&b, 65535, 2);
    for (int i = 0; i < 65535; i++) {
        put_be(&b, (uint64_t)i, 2);
    }
    box_end(&b, dimg);
    box_end(&b, iref);
    box_end(&b, meta);
    assert_int_equal(check(&b, &e), DM_ELIMIT);
    dm_buf_clear(&b);
}

/* 2000 tiles, 8000 references, each looked up: the most a file may ask for stays quick. */
static void largest_structure_is_quick(void **state)
{
    (void)state;
    struct dm_err e = {0};
    struct dm_buf b = dm_buf_init(FILE_MAX);
    size_t at = box_begin(&b, "free");
    put_be(&b, 0, 4);
    put_be(&b, 100, 2);
    put_be(&b, 100, 2);
    box_end(&b, at);
    size_t meta = full_box(&b, "meta", 0);
    at = full_box(&b, "pitm", 0);
    put_be(&b, 1, 2);
    box_end(&b, at);
    size_t iinf = full_box(&b, "iinf", 0);
    put_be(&b, 0, 2);
    for (int i = 1; i <= LIMIT_HEIF_ITEMS; i++) {
        size_t infe = full_box(&b, "infe", 2u << 24);
        put_be(&b, (uint64_t)i, 2);
        put_be(&b, 0, 2);
        dm_buf_append(&b, i == 1 ? "grid" : "hvc1", 5);
        box_end(&b, infe);
    }
    box_end(&b, iinf);
    size_t iref = full_box(&b, "iref", 0);
    at = box_begin(&b, "dimg");
    put_be(&b, 1, 2);
    put_be(&b, 4 * LIMIT_HEIF_ITEMS, 2);
    for (int i = 0; i < 4 * LIMIT_HEIF_ITEMS; i++) {
        put_be(&b, LIMIT_HEIF_ITEMS, 2); /* the last one listed: the longest search */
    }
    box_end(&b, at);
    box_end(&b, iref);
    at = full_box(&b, "iloc", 0);
    put_be(&b, 0x4400, 2);
    put_be(&b, 1, 2);
    put_be(&b, 1, 2); /* the grid's description is the file's first box */
    put_be(&b, 0, 2);
    put_be(&b, 1, 2);
    put_be(&b, 8, 4);
    put_be(&b, 8, 4);
    box_end(&b, at);
    box_end(&b, meta);
    dm_usec start = dm_now();
    assert_ok(check(&b, &e), &e);
    assert_true(dm_ms_since(start) < 2000); /* 60 ms on an idle machine, with sanitizers 300 */
    dm_buf_clear(&b);
}

static void damage_is_survived(void **state)
{
    (void)state;
    struct test_rng rng = {3};
    struct dm_buf b = build(&(struct outline){
        .items = {{1, "grid", 0}, {2, "hvc1", 0}, {3, "Exif", 0}, {4, "mime", ""}},
        .refs = {{"dimg", 1, 2}, {"cdsc", 3, 1}}});
    struct dm_err e;
    for (size_t n = 0; n < b.len; n++) {
        uint8_t *cut = malloc(n ? n : 1);
        assert_non_null(cut);
        memcpy(cut, b.data, n);
        assert_true(heif_check((struct codec_input){cut, n}, &e) < 0);
        free(cut);
    }
    for (int i = 0; i < 5000; i++) {
        size_t at = test_rng_below(&rng, (uint32_t)b.len);
        char old = b.data[at];
        b.data[at] = (char)test_rng_below(&rng, 256);
        int code = check(&b, &e);
        assert_true(code == DM_OK || code == DM_EDECODE || code == DM_EUNSUPPORTED ||
                    code == DM_ELIMIT);
        b.data[at] = old;
    }
    (void)dm_alloc_fail_at(1);
    assert_int_equal(check(&b, &e), DM_ENOMEM);
    (void)dm_alloc_fail_at(0);
    dm_buf_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shapes_pass_or_do_not),
        cmocka_unit_test(counts_are_bounded),
        cmocka_unit_test(largest_structure_is_quick),
        cmocka_unit_test(damage_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
