/* SPDX-License-Identifier: Apache-2.0
 *
 * PNG through libspng. Chunk headers are walked here: the dimensions, the EXIF block and the sum of
 * the picture data cost no allocation, and the library is fed only the critical chunks. So a
 * damaged or overlong text chunk can neither refuse a picture nor eat memory, and the ratio that
 * deflate cannot exceed tells a size bomb from a picture before any allocation. */
#include <inttypes.h>
#include <string.h>

#include <spng.h>

#include "base/limits.h"
#include "image/codec_priv.h"

enum {
    SIGNATURE = 8,
    CHUNK_HEAD = 8, /* length, type */
    CHUNK_CRC = 4,
    IHDR_SIZE = 13,
    DEFLATE_RATIO = 1032 /* 258 bytes for 2 bits: zlib's documentation, "maximum compression" */
};

static const uint8_t signature[SIGNATURE] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};

struct chunk {
    const uint8_t *type; /* 4 letters */
    const uint8_t *data;
    size_t n;     /* of data */
    size_t whole; /* from the length field to the checksum */
};

/* The chunk at byte at; false when it does not lie wholly in the file. */
static bool chunk_at(struct codec_input in, size_t at, struct chunk *ret)
{
    if (in.n - at < CHUNK_HEAD + CHUNK_CRC) {
        return false;
    }
    size_t n = codec_be32(in.bytes + at);
    if (n > in.n - at - CHUNK_HEAD - CHUNK_CRC) {
        return false;
    }
    *ret = (struct chunk){.type = in.bytes + at + 4,
                          .data = in.bytes + at + CHUNK_HEAD,
                          .n = n,
                          .whole = n + CHUNK_HEAD + CHUNK_CRC};
    return true;
}

static bool is_type(const struct chunk *c, const char *type)
{
    return memcmp(c->type, type, 4) == 0;
}

static bool png_sniff(const uint8_t *p, size_t n)
{
    return n >= SIGNATURE && memcmp(p, signature, SIGNATURE) == 0;
}

/* Bytes of the unpacked rows, filter bytes left out: a lower bound, also when interlaced. */
static uint64_t raw_bytes(const uint8_t *ihdr)
{
    static const uint8_t channels[] = {1, 0, 3, 1, 2, 0, 4};
    unsigned color = ihdr[9];
    uint64_t bits = (uint64_t)codec_be32(ihdr) * codec_be32(ihdr + 4) * ihdr[8];
    return color < sizeof(channels) ? bits * channels[color] / 8 : 0;
}

static int check_header(const struct chunk *c, struct image_info *ret, struct dm_err *e)
{
    if (is_type(c, "CgBI")) {
        DM_FAIL(e, DM_EUNSUPPORTED, "PNG in Apple's private variant (CgBI) is not supported");
    }
    if (!is_type(c, "IHDR") || c->n != IHDR_SIZE) {
        DM_FAIL(e, DM_EDECODE, "PNG does not begin with its header");
    }
    uint32_t w = codec_be32(c->data);
    uint32_t h = codec_be32(c->data + 4);
    if (w == 0 || h == 0 || w > INT32_MAX || h > INT32_MAX) {
        DM_FAIL(e, DM_EDECODE, "PNG of %" PRIu32 " x %" PRIu32 " pixels", w, h);
    }
    ret->stored_w = (int)w;
    ret->stored_h = (int)h;
    return DM_OK;
}

static int png_probe(struct codec_input in, struct image_info *ret, struct dm_err *e)
{
    struct chunk c;
    bool found_exif = false;
    if (!chunk_at(in, SIGNATURE, &c)) {
        DM_FAIL(e, DM_EDECODE, "PNG is cut off: %zu bytes end in its header", in.n);
    }
    DM_TRY(check_header(&c, ret, e));
    for (size_t at = SIGNATURE; chunk_at(in, at, &c) && !is_type(&c, "IEND"); at += c.whole) {
        if (!found_exif && is_type(&c, "eXIf")) {
            DM_TRY(exif_parse(c.data, c.n, &ret->exif, e));
            found_exif = true;
        }
    }
    return DM_OK;
}

static int check_cost(struct codec_input in, struct dm_err *e)
{
    struct chunk c;
    uint64_t packed = 0;
    uint64_t raw = raw_bytes(in.bytes + SIGNATURE + CHUNK_HEAD);
    size_t at = SIGNATURE;
    for (; chunk_at(in, at, &c); at += c.whole) {
        packed += is_type(&c, "IDAT") ? c.n : 0;
    }
    packed += in.n - at; /* what a cut-off last chunk may still hold */
    if (raw / DEFLATE_RATIO > packed) {
        DM_FAIL(e, DM_EDECODE,
                "PNG is cut off: %zu bytes cannot hold its %" PRIu64 " bytes of pixels", in.n, raw);
    }
    return DM_OK;
}

/* The file without its ancillary chunks, as a stream. */
struct feed {
    struct codec_input in;
    size_t at;  /* next byte to hand out */
    size_t end; /* of the run being handed out; then a chunk header follows */
};

static bool is_critical(const uint8_t *type)
{
    return (type[0] & 0x20) == 0; /* a capital letter */
}

static bool next_run(struct feed *f)
{
    struct chunk c;
    while (chunk_at(f->in, f->end, &c)) {
        f->at = f->end;
        f->end += c.whole;
        if (is_critical(c.type)) {
            return true;
        }
    }
    f->at = f->end;
    if (f->in.n - f->at < CHUNK_HEAD || !is_critical(f->in.bytes + f->at + 4)) {
        return false;
    }
    f->end = f->in.n; /* picture data that is cut off: hand out what there is */
    return true;
}

static int feed_read(spng_ctx *s, void *user, void *dest, size_t n)
{
    struct feed *f = user;
    uint8_t *to = dest;
    (void)s;
    while (n > 0) {
        if (f->at == f->end && !next_run(f)) {
            return SPNG_IO_EOF;
        }
        size_t part = DM_MIN(n, f->end - f->at);
        memcpy(to, f->in.bytes + f->at, part);
        f->at += part;
        to += part;
        n -= part;
    }
    return 0;
}

static void freep_ctx(spng_ctx **s)
{
    spng_ctx_free(*s);
}

static int fail_spng(int err, const struct feed *f, struct dm_err *e)
{
    if (err == SPNG_EMEM) {
        DM_FAIL(e, DM_ENOMEM, "no memory to decode a PNG");
    }
    if (err == SPNG_IO_EOF) {
        DM_FAIL(e, DM_EDECODE, "PNG is cut off after %zu bytes", f->in.n);
    }
    DM_FAIL(e, DM_EDECODE, "PNG is damaged near byte %zu of %zu: %s", f->at, f->in.n,
            spng_strerror(err));
}

static int png_decode(struct codec_input in, const struct image_info *info, struct image *im,
                      struct dm_err *e)
{
    DM_TRY(check_cost(in, e));
    DM_CLEANUP(freep_ctx) spng_ctx *s = spng_ctx_new(0);
    if (!s) {
        DM_FAIL(e, DM_ENOMEM, "no memory to decode a PNG");
    }
    struct feed f = {.in = in, .end = SIGNATURE};
    int err = spng_set_image_limits(s, LIMIT_IMAGE_SIDE_MAX, LIMIT_IMAGE_SIDE_MAX);
    if (!err) { /* of chunks it keeps, of which none should come through */
        err = spng_set_chunk_limits(s, LIMIT_METADATA_BYTES, LIMIT_METADATA_BYTES);
    }
    if (!err) {
        err = spng_set_png_stream(s, feed_read, &f);
    }
    struct spng_ihdr ihdr;
    if (!err) {
        err = spng_get_ihdr(s, &ihdr);
    }
    if (err) {
        return fail_spng(err, &f, e);
    }
    DM_TRY(image_init(im, info->stored_w, info->stored_h, 3, e));
    err = spng_decode_image(s, im->px, im->stride_bytes * (size_t)im->h, SPNG_FMT_RGB8, 0);
    return err ? fail_spng(err, &f, e) : DM_OK;
}

const struct codec codec_png = {
    .format = IMAGE_FORMAT_PNG,
    .name = "PNG",
    .mime = "image/png",
    .sniff = png_sniff,
    .probe = png_probe,
    .decode = png_decode,
};
