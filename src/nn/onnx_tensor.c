/* SPDX-License-Identifier: Apache-2.0
 *
 * Tensors of the file: initialisers, Constant nodes, attribute values. A float32 tensor stays where
 * the parser put it; anything else is converted once, when the file is opened. */
#include <math.h>
#include <string.h>

#include "base/arith.h"
#include "base/limits.h"
#include "base/text.h"
#include "nn/onnx.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "ONNX raw data is little-endian");

const char *nn_onnx_label(const char *name, struct dm_arena *a)
{
    enum { CHARACTERS_MAX = 64 };
    const char *s = name && *name ? dm_text_clean(name, DM_TEXT_TERMINAL, a) : NULL;
    if (!s) {
        return "?";
    }
    size_t n = dm_text_prefix(s, CHARACTERS_MAX);
    if (!s[n]) {
        return s;
    }
    s = dm_arena_printf(a, "%.*s...", (int)n, s);
    return s ? s : "?";
}

int nn_onnx_dtype(int elem_type)
{
    switch (elem_type) {
    case ONNX_FLOAT:
    case ONNX_FLOAT16:
    case ONNX_DOUBLE:
    case ONNX_BFLOAT16:
        return NN_F32;
    case ONNX_INT32:
        return NN_I32;
    case ONNX_INT64:
        return NN_I64;
    case ONNX_BOOL:
        return NN_BOOL;
    default:
        return -1;
    }
}

static float f32_of_bits(uint32_t bits)
{
    union {
        uint32_t u;
        float f;
    } x = {.u = bits};
    return x.f;
}

/* IEEE 754 binary16, subnormals included. */
static float f32_of_f16(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000u) << 16;
    uint32_t exponent = (h >> 10) & 0x1Fu;
    uint32_t fraction = h & 0x3FFu;
    if (exponent == 0x1Fu) {
        return f32_of_bits(sign | 0x7F800000u | (fraction << 13));
    }
    if (exponent == 0) { /* fraction * 2^-24, exact in f32 */
        float v = (float)fraction * 0x1p-24f;
        return sign ? -v : v;
    }
    return f32_of_bits(sign | ((exponent + 112u) << 23) | (fraction << 13));
}

/* Where the elements lie: raw bytes, or one of the typed lists. */
struct content {
    const Onnx__TensorProto *t;
    const char *name;
    const uint8_t *raw; /* NULL: typed */
    size_t count;
};

static size_t wire_size(int elem_type)
{
    switch (elem_type) {
    case ONNX_BOOL:
        return 1;
    case ONNX_FLOAT16:
    case ONNX_BFLOAT16:
        return 2;
    case ONNX_INT64:
    case ONNX_DOUBLE:
        return 8;
    default:
        return 4;
    }
}

static size_t typed_count(const Onnx__TensorProto *t)
{
    switch (t->data_type) {
    case ONNX_FLOAT:
        return t->n_float_data;
    case ONNX_DOUBLE:
        return t->n_double_data;
    case ONNX_INT64:
        return t->n_int64_data;
    default: /* 32-bit integers carry int32, bool and both 16-bit floats */
        return t->n_int32_data;
    }
}

static uint16_t u16_at(const struct content *c, size_t i)
{
    uint16_t v = 0;
    if (c->raw) {
        memcpy(&v, c->raw + 2 * i, 2);
    } else {
        v = (uint16_t)c->t->int32_data[i];
    }
    return v;
}

static double f64_at(const struct content *c, size_t i)
{
    double v = 0;
    if (c->raw) {
        memcpy(&v, c->raw + 8 * i, 8);
    } else {
        v = c->t->double_data[i];
    }
    return v;
}

static void convert_floats(const struct content *c, float *to)
{
    for (size_t i = 0; i < c->count; i++) {
        if (c->t->data_type == ONNX_FLOAT16) {
            to[i] = f32_of_f16(u16_at(c, i));
        } else if (c->t->data_type == ONNX_BFLOAT16) {
            to[i] = f32_of_bits((uint32_t)u16_at(c, i) << 16);
        } else {
            to[i] = (float)f64_at(c, i);
        }
    }
}

static void convert_bools(const struct content *c, uint8_t *to)
{
    for (size_t i = 0; i < c->count; i++) {
        to[i] = c->raw ? c->raw[i] != 0 : c->t->int32_data[i] != 0;
    }
}

/* The data as it stands when no conversion is needed, NULL otherwise. The parser's own blocks are
 * aligned for any element. */
static const void *in_place(const struct content *c)
{
    switch (c->t->data_type) {
    case ONNX_FLOAT:
        return c->raw ? (const void *)c->raw : c->t->float_data;
    case ONNX_INT64:
        return c->raw ? (const void *)c->raw : c->t->int64_data;
    case ONNX_INT32:
        return c->raw ? (const void *)c->raw : c->t->int32_data;
    default:
        return NULL;
    }
}

static int shape_of(const Onnx__TensorProto *t, const char *name, struct nn_shape *ret,
                    size_t *ret_count, struct dm_err *e)
{
    if (t->n_dims > NN_DIMS_MAX) {
        DM_FAIL(e, DM_EMODEL, "tensor %s has %zu dimensions, the limit is %d", name, t->n_dims,
                NN_DIMS_MAX);
    }
    struct nn_shape s = {.rank = (int)t->n_dims};
    size_t count = 1;
    for (int i = 0; i < s.rank; i++) {
        s.dim[i] = t->dims[i];
        if (s.dim[i] < 0 || s.dim[i] > LIMIT_MODEL_ELEMENTS ||
            !dm_mul_size(count, (size_t)s.dim[i], &count) || count > LIMIT_MODEL_FILE_BYTES) {
            DM_FAIL(e, DM_EMODEL, "tensor %s has an impossible shape", name);
        }
    }
    *ret = s;
    *ret_count = count;
    return DM_OK;
}

/* Find the elements and make sure that there are as many as the shape says. */
static int locate(const Onnx__TensorProto *t, const char *name, size_t count, struct content *ret,
                  struct dm_err *e)
{
    if (t->data_location == 1) {
        DM_FAIL(e, DM_EMODEL,
                "the weights (tensor %s) are in another file: save the model as a single ONNX file",
                name);
    }
    if (nn_onnx_dtype(t->data_type) < 0) {
        DM_FAIL(e, DM_EMODEL, "tensor %s has element type %d, which no supported operator uses",
                name, t->data_type);
    }
    struct content c = {.t = t, .name = name, .count = count};
    size_t have = typed_count(t);
    if (t->has_raw_data && t->raw_data.len > 0) {
        c.raw = t->raw_data.data;
        have = t->raw_data.len / wire_size(t->data_type);
        if (t->raw_data.len % wire_size(t->data_type) != 0) {
            have = SIZE_MAX;
        }
    }
    if (have != count) {
        DM_FAIL(e, DM_EMODEL, "tensor %s does not hold the %zu elements its shape asks for", name,
                count);
    }
    *ret = c;
    return DM_OK;
}

static int check_finite(const float *v, size_t n, const char *name, struct dm_err *e)
{
    size_t bad = 0;
    for (size_t i = 0; i < n; i++) {
        bad += !isfinite(v[i]);
    }
    if (bad > 0) {
        DM_FAIL(e, DM_EMODEL,
                "tensor %s has %zu values that are not finite: the training diverged or the file "
                "is damaged",
                name, bad);
    }
    return DM_OK;
}

int nn_onnx_tensor(const Onnx__TensorProto *t, const char *name, struct dm_arena *a,
                   struct nn_value *ret, struct dm_err *e)
{
    struct nn_value v = {.name = name, .producer = -1};
    struct content c = {0};
    size_t count = 0;
    DM_TRY(shape_of(t, name, &v.shape, &count, e));
    DM_TRY(locate(t, name, count, &c, e));
    v.dtype = (enum nn_dtype)nn_onnx_dtype(t->data_type);
    v.data = count > 0 ? in_place(&c) : "";
    if (!v.data) {
        void *to = dm_arena_calloc(a, count, nn_dtype_size(v.dtype));
        if (!to) {
            DM_FAIL(e, DM_ENOMEM, "no memory for tensor %s", name);
        }
        if (v.dtype == NN_BOOL) {
            convert_bools(&c, to);
        } else {
            convert_floats(&c, to);
        }
        v.data = to;
    }
    if (v.dtype == NN_F32) {
        DM_TRY(check_finite(v.data, count, name, e));
    }
    *ret = v;
    return DM_OK;
}
