/* SPDX-License-Identifier: Apache-2.0
 *
 * Every operator on hand-worked examples, through shape inference and the oracle's kernel; the
 * window operators also against sums written out in double, on random shapes. */
#include "nn/ref/interp.h"

#include <math.h>
#include <string.h>

#include "base/macros.h"
#include "nn/graph_infer.h"
#include "support/testing.h"

struct tensor {
    enum nn_dtype dtype;
    struct nn_shape shape;
    const void *data; /* NULL: no such operand */
    bool computed;    /* not a constant: its data is unknown to shape inference */
};

struct op_case {
    const char *what;
    enum nn_op_kind kind;
    struct nn_attrs attr;
    struct tensor in[5];
    struct tensor out[3];
    int opset; /* 0: 17 */
};

// clang-format off
#define COUNT_OF(type, ...) (int)(sizeof((type[]){__VA_ARGS__}) / sizeof(type))
#define DIMS(...)           {COUNT_OF(int64_t, __VA_ARGS__), {__VA_ARGS__}}
#define SCALAR              {0, {0}}
#define F32(dims, ...)      {NN_F32, dims, (const float[]){__VA_ARGS__}, false}
#define COMPUTED(dims, ...) {NN_F32, dims, (const float[]){__VA_ARGS__}, true}
#define I64(dims, ...)      {NN_I64, dims, (const int64_t[]){__VA_ARGS__}, false}
#define I32(dims, ...)      {NN_I32, dims, (const int32_t[]){__VA_ARGS__}, false}
#define BOOL(dims, ...)     {NN_BOOL, dims, (const uint8_t[]){__VA_ARGS__}, false}
#define LIST(...)           I64(DIMS(COUNT_OF(int64_t, __VA_ARGS__)), __VA_ARGS__)
#define NONE                {.data = NULL}
#define EMPTY_SHAPE         {1, {0}}

#define WINDOW(k, s, p) {.kernel = {k, k}, .stride = {s, s}, .pad = {p, p, p, p}, \
                         .dilation = {1, 1}, .group = 1}

static const struct op_case cases[] = {
    {"add same shape", NN_OP_ADD, {.axis = 0}, {F32(DIMS(2), 1, 2), F32(DIMS(2), 10, 20)}, {F32(DIMS(2), 11, 22)}, 0},
    {"add scalar", NN_OP_ADD, {.axis = 0}, {F32(DIMS(3), 1, 2, 3), F32(SCALAR, 10)}, {F32(DIMS(3), 11, 12, 13)}, 0},
    {"add row to column", NN_OP_ADD, {.axis = 0}, {F32(DIMS(2, 1), 1, 2), F32(DIMS(3), 10, 20, 30)},
     {F32(DIMS(2, 3), 11, 21, 31, 12, 22, 32)}, 0},
    {"add middle dimension", NN_OP_ADD, {0},
     {F32(DIMS(2, 1, 2), 1, 2, 3, 4), F32(DIMS(1, 2, 1), 10, 20)},
     {F32(DIMS(2, 2, 2), 11, 12, 21, 22, 13, 14, 23, 24)}, 0},
    {"add whole numbers", NN_OP_ADD, {.axis = 0}, {I64(DIMS(2), 1, INT64_MAX), I64(DIMS(2), 2, 1)}, {I64(DIMS(2), 3, INT64_MIN)}, 0},
    {"add short whole numbers", NN_OP_ADD, {.axis = 0}, {I32(DIMS(2), 1, INT32_MAX), I32(SCALAR, 1)}, {I32(DIMS(2), 2, INT32_MIN)}, 0},
    {"add empty", NN_OP_ADD, {.axis = 0}, {F32(EMPTY_SHAPE, 0), F32(DIMS(1), 1)}, {F32(EMPTY_SHAPE, 0)}, 0},
    {"subtract", NN_OP_SUB, {.axis = 0}, {F32(DIMS(2), 1, 2), F32(DIMS(1), 10)}, {F32(DIMS(2), -9, -8)}, 0},
    {"subtract whole numbers", NN_OP_SUB, {.axis = 0}, {I64(DIMS(1), 1), I64(DIMS(1), 5)}, {I64(DIMS(1), -4)}, 0},
    {"subtract short whole numbers", NN_OP_SUB, {.axis = 0}, {I32(DIMS(1), 1), I32(DIMS(1), 5)}, {I32(DIMS(1), -4)}, 0},
    {"multiply", NN_OP_MUL, {.axis = 0}, {F32(SCALAR, 3), F32(DIMS(2), 1, -2)}, {F32(DIMS(2), 3, -6)}, 0},
    {"multiply whole numbers", NN_OP_MUL, {.axis = 0}, {I64(SCALAR, 20), I64(SCALAR, 21)}, {I64(SCALAR, 420)}, 0},
    {"multiply short whole numbers", NN_OP_MUL, {.axis = 0}, {I32(SCALAR, -20), I32(SCALAR, 21)}, {I32(SCALAR, -420)}, 0},
    {"divide", NN_OP_DIV, {.axis = 0}, {F32(DIMS(2), 3, -1), F32(SCALAR, 2)}, {F32(DIMS(2), 1.5f, -0.5f)}, 0},
    {"divide whole numbers", NN_OP_DIV, {.axis = 0}, {I64(DIMS(4), 7, -7, INT64_MIN, 7), I64(DIMS(4), 2, 2, -1, -1)},
     {I64(DIMS(4), 3, -3, INT64_MIN, -7)}, 0},
    {"divide short whole numbers", NN_OP_DIV, {.axis = 0}, {I32(DIMS(2), 7, INT32_MIN), I32(DIMS(2), -2, -1)}, {I32(DIMS(2), -3, INT32_MIN)}, 0},
    {"equal", NN_OP_EQUAL, {.axis = 0}, {I64(DIMS(3), 1, -1, 3), I64(SCALAR, -1)}, {BOOL(DIMS(3), 0, 1, 0)}, 0},
    {"equal short", NN_OP_EQUAL, {.axis = 0}, {I32(DIMS(2), 1, 2), I32(DIMS(2), 1, 1)}, {BOOL(DIMS(2), 1, 0)}, 0},
    {"equal floats", NN_OP_EQUAL, {.axis = 0}, {F32(DIMS(2), 1, 2), F32(DIMS(2), 1, 1)}, {BOOL(DIMS(2), 1, 0)}, 0},
    {"equal truth", NN_OP_EQUAL, {.axis = 0}, {BOOL(DIMS(2), 1, 0), BOOL(DIMS(2), 1, 1)}, {BOOL(DIMS(2), 1, 0)}, 0},
    {"where", NN_OP_WHERE, {.axis = 0}, {BOOL(DIMS(2), 1, 0), I64(DIMS(2), 1, 2), I64(SCALAR, 9)}, {I64(DIMS(2), 1, 9)}, 0},
    {"where, three shapes", NN_OP_WHERE, {.axis = 0}, {BOOL(DIMS(2, 1), 1, 0), F32(DIMS(2), 1, 2), F32(SCALAR, 9)},
     {F32(DIMS(2, 2), 1, 2, 9, 9)}, 0},
    {"sigmoid", NN_OP_SIGMOID, {.axis = 0}, {F32(DIMS(5), 0, 1, -1, 100, -100)},
     {F32(DIMS(5), 0.5f, 0.7310586f, 0.2689414f, 1, 0)}, 0},
    {"floor", NN_OP_FLOOR, {.axis = 0}, {F32(DIMS(4), 1.5f, -1.5f, 2, -0.25f)}, {F32(DIMS(4), 1, -2, 2, -1)}, 0},
    {"identity", NN_OP_IDENTITY, {.axis = 0}, {I64(DIMS(2), 1, 2)}, {I64(DIMS(2), 1, 2)}, 0},
    {"cast to whole", NN_OP_CAST, {.to = NN_I64}, {F32(DIMS(5), 1.9f, -1.9f, 1e30f, -1e30f, NAN)},
     {I64(DIMS(5), 1, -1, INT64_MAX, INT64_MIN, 0)}, 0},
    {"cast to short", NN_OP_CAST, {.to = NN_I32}, {I64(DIMS(2), 5, -5)}, {I32(DIMS(2), 5, -5)}, 0},
    {"cast to float", NN_OP_CAST, {.to = NN_F32}, {I64(DIMS(2), 5, -5)}, {F32(DIMS(2), 5, -5)}, 0},
    {"cast short to float", NN_OP_CAST, {.to = NN_F32}, {I32(DIMS(1), 5)}, {F32(DIMS(1), 5)}, 0},
    {"cast float to float", NN_OP_CAST, {.to = NN_F32}, {F32(DIMS(1), 0.25f)}, {F32(DIMS(1), 0.25f)}, 0},
    {"cast to truth", NN_OP_CAST, {.to = NN_BOOL}, {F32(DIMS(3), 0, 0.5f, -2)}, {BOOL(DIMS(3), 0, 1, 1)}, 0},
    {"cast whole to truth", NN_OP_CAST, {.to = NN_BOOL}, {I64(DIMS(2), 0, 256)}, {BOOL(DIMS(2), 0, 1)}, 0},
    {"cast truth to whole", NN_OP_CAST, {.to = NN_I64}, {BOOL(DIMS(2), 0, 1)}, {I64(DIMS(2), 0, 1)}, 0},
    {"range", NN_OP_RANGE, {.axis = 0}, {F32(SCALAR, 0), F32(SCALAR, 2.5f), F32(SCALAR, 1)}, {F32(DIMS(3), 0, 1, 2)}, 0},
    {"range down", NN_OP_RANGE, {.axis = 0}, {I64(SCALAR, 3), I64(SCALAR, -2), I64(SCALAR, -2)}, {I64(DIMS(3), 3, 1, -1)}, 0},
    {"range short", NN_OP_RANGE, {.axis = 0}, {I32(SCALAR, 3), I32(SCALAR, 5), I32(SCALAR, 1)}, {I32(DIMS(2), 3, 4)}, 0},
    {"range empty", NN_OP_RANGE, {.axis = 0}, {I64(SCALAR, 3), I64(SCALAR, 3), I64(SCALAR, 1)}, {I64(EMPTY_SHAPE, 0)}, 0},
    {"softmax last", NN_OP_SOFTMAX, {.axis = -1}, {F32(DIMS(2, 2), 0, 0, 1000, 1000 + 1.0986123f)},
     {F32(DIMS(2, 2), 0.5f, 0.5f, 0.25f, 0.75f)}, 0},
    {"softmax first", NN_OP_SOFTMAX, {.axis = 0}, {F32(DIMS(2, 2), 0, 0, 0, 1.0986123f)},
     {F32(DIMS(2, 2), 0.5f, 0.25f, 0.5f, 0.75f)}, 0},
    {"softmax, old, trailing ones", NN_OP_SOFTMAX, {.axis = 1}, {F32(DIMS(1, 2, 1), 0, 0)}, {F32(DIMS(1, 2, 1), 0.5f, 0.5f)}, 11},
    {"largest of all", NN_OP_REDUCE_MAX, {.keepdims = false}, {F32(DIMS(2, 2), 1, 5, 3, 2)}, {F32(SCALAR, 5)}, 0},
    {"largest of rows", NN_OP_REDUCE_MAX, {.keepdims = true}, {F32(DIMS(2, 2), 1, 5, -3, -2), LIST(-1)}, {F32(DIMS(2, 1), 5, -2)}, 0},
    {"largest of columns", NN_OP_REDUCE_MAX, {.keepdims = false}, {F32(DIMS(2, 2), 1, 5, -3, -2), LIST(0)}, {F32(DIMS(2), 1, 5)}, 0},
    {"largest of two", NN_OP_REDUCE_MAX, {.keepdims = true}, {I64(DIMS(2, 2, 2), 1, 2, 3, 4, 8, 7, 6, 5), LIST(0, 2)}, {I64(DIMS(1, 2, 1), 8, 6)}, 0},
    {"largest short", NN_OP_REDUCE_MAX, {.keepdims = true}, {I32(DIMS(2), -1, -2)}, {I32(DIMS(1), -1)}, 0},
    {"batch norm", NN_OP_BATCH_NORM, {.epsilon = 0.01f},
     {F32(DIMS(1, 2, 2), 1, 2, 3, 4), F32(DIMS(2), 2, 3), F32(DIMS(2), 1, -1), F32(DIMS(2), 1, 2), F32(DIMS(2), 3.99f, 0.24f)},
     {F32(DIMS(1, 2, 2), 1, 2, 5, 11)}, 0},

    {"shape", NN_OP_SHAPE, {.end = 99}, {COMPUTED(DIMS(1, 2), 0, 0)}, {I64(DIMS(2), 1, 2)}, 0},
    {"shape from", NN_OP_SHAPE, {.start = -1, .end = 99}, {COMPUTED(DIMS(1, 2), 0, 0)}, {I64(DIMS(1), 2)}, 0},
    {"shape to", NN_OP_SHAPE, {.start = -9, .end = -1}, {COMPUTED(DIMS(1, 2), 0, 0)}, {I64(DIMS(1), 1)}, 0},
    {"shape of nothing", NN_OP_SHAPE, {.start = 2, .end = 1}, {COMPUTED(DIMS(1, 2), 0, 0)}, {I64(EMPTY_SHAPE, 0)}, 0},
    {"constant of shape", NN_OP_CONSTANT_OF_SHAPE, {.axis = 0}, {LIST(2, 1)}, {F32(DIMS(2, 1), 0, 0)}, 0},
    {"constant of shape, value", NN_OP_CONSTANT_OF_SHAPE, {.axis = 0}, {LIST(2), I64(DIMS(1), 7)}, {I64(DIMS(2), 7, 7)}, 0},
    {"constant of no shape", NN_OP_CONSTANT_OF_SHAPE, {.axis = 0}, {I64(EMPTY_SHAPE, 0), BOOL(DIMS(1), 1)}, {BOOL(SCALAR, 1)}, 0},
    {"concat first", NN_OP_CONCAT, {.axis = 0}, {LIST(1, 2), LIST(3), LIST(4)}, {I64(DIMS(4), 1, 2, 3, 4)}, 0},
    {"concat last", NN_OP_CONCAT, {.axis = -1}, {F32(DIMS(2, 1), 1, 2), F32(DIMS(2, 2), 3, 4, 5, 6)},
     {F32(DIMS(2, 3), 1, 3, 4, 2, 5, 6)}, 0},
    {"split equally", NN_OP_SPLIT, {.axis = 1}, {F32(DIMS(2, 2), 1, 2, 3, 4)}, {F32(DIMS(2, 1), 1, 3), F32(DIMS(2, 1), 2, 4)}, 0},
    {"split by input", NN_OP_SPLIT, {.axis = 0}, {F32(DIMS(3), 1, 2, 3), LIST(2, 1)}, {F32(DIMS(2), 1, 2), F32(DIMS(1), 3)}, 0},
    {"split by attribute", NN_OP_SPLIT, {.axis = -1, .split = (const int64_t[]){1, 2}, .n_split = 2}, {F32(DIMS(3), 1, 2, 3)},
     {F32(DIMS(1), 1), F32(DIMS(2), 2, 3)}, 11},
    {"split with remainder", NN_OP_SPLIT, {.axis = 0}, {F32(DIMS(5), 1, 2, 3, 4, 5)},
     {F32(DIMS(2), 1, 2), F32(DIMS(2), 3, 4), F32(DIMS(1), 5)}, 18},
    {"slice", NN_OP_SLICE, {.axis = 0}, {F32(DIMS(2, 3), 1, 2, 3, 4, 5, 6), LIST(1), LIST(3), LIST(1)}, {F32(DIMS(2, 2), 2, 3, 5, 6)}, 0},
    {"slice without axes", NN_OP_SLICE, {.axis = 0}, {F32(DIMS(2, 3), 1, 2, 3, 4, 5, 6), LIST(1, 0), LIST(2, 2)}, {F32(DIMS(1, 2), 4, 5)}, 0},
    {"slice backwards", NN_OP_SLICE, {.axis = 0}, {F32(DIMS(4), 1, 2, 3, 4), LIST(-1), LIST(INT64_MIN), LIST(0), LIST(-2)}, {F32(DIMS(2), 4, 2)}, 0},
    {"slice clamped", NN_OP_SLICE, {.axis = 0}, {F32(DIMS(3), 1, 2, 3), LIST(-9), LIST(INT64_MAX), LIST(-1), LIST(2)}, {F32(DIMS(2), 1, 3)}, 0},
    {"slice nothing", NN_OP_SLICE, {.axis = 0}, {F32(DIMS(3), 1, 2, 3), LIST(2), LIST(1)}, {F32(EMPTY_SHAPE, 0)}, 0},
    {"slice short indices", NN_OP_SLICE, {.axis = 0}, {I64(DIMS(3), 1, 2, 3), I32(DIMS(1), 1), I32(DIMS(1), 2)}, {I64(DIMS(1), 2)}, 0},
    {"gather scalar", NN_OP_GATHER, {.axis = 0}, {LIST(10, 20, 30), I64(SCALAR, -1)}, {I64(SCALAR, 30)}, 0},
    {"gather list", NN_OP_GATHER, {.axis = 0}, {LIST(10, 20, 30), LIST(2, 0)}, {I64(DIMS(2), 30, 10)}, 0},
    {"gather columns", NN_OP_GATHER, {.axis = -1}, {F32(DIMS(2, 3), 1, 2, 3, 4, 5, 6), I32(DIMS(1, 2), 2, -3)},
     {F32(DIMS(2, 1, 2), 3, 1, 6, 4)}, 0},
    {"reshape", NN_OP_RESHAPE, {.axis = 0}, {F32(DIMS(2, 3), 1, 2, 3, 4, 5, 6), LIST(3, 2)}, {F32(DIMS(3, 2), 1, 2, 3, 4, 5, 6)}, 0},
    {"reshape, open", NN_OP_RESHAPE, {.axis = 0}, {F32(DIMS(2, 3), 1, 2, 3, 4, 5, 6), LIST(0, -1, 1)}, {F32(DIMS(2, 3, 1), 1, 2, 3, 4, 5, 6)}, 0},
    {"reshape to scalar", NN_OP_RESHAPE, {.axis = 0}, {F32(DIMS(1), 7), I64(EMPTY_SHAPE, 0)}, {F32(SCALAR, 7)}, 0},
    {"reshape, zero allowed", NN_OP_RESHAPE, {.allowzero = true}, {F32(EMPTY_SHAPE, 0), LIST(3, 0)}, {F32(DIMS(3, 0), 0)}, 0},
    {"flatten", NN_OP_FLATTEN, {.axis = 1}, {F32(DIMS(2, 1, 2), 1, 2, 3, 4)}, {F32(DIMS(2, 2), 1, 2, 3, 4)}, 0},
    {"flatten at the end", NN_OP_FLATTEN, {.axis = -1}, {F32(DIMS(2, 1, 2), 1, 2, 3, 4)}, {F32(DIMS(2, 2), 1, 2, 3, 4)}, 0},
    {"flatten to a row", NN_OP_FLATTEN, {.axis = 0}, {F32(DIMS(2, 2), 1, 2, 3, 4)}, {F32(DIMS(1, 4), 1, 2, 3, 4)}, 0},
    {"squeeze all", NN_OP_SQUEEZE, {.axis = 0}, {F32(DIMS(1, 2, 1), 1, 2)}, {F32(DIMS(2), 1, 2)}, 0},
    {"squeeze one", NN_OP_SQUEEZE, {.axis = 0}, {F32(DIMS(1, 2, 1), 1, 2), LIST(-1)}, {F32(DIMS(1, 2), 1, 2)}, 0},
    {"unsqueeze", NN_OP_UNSQUEEZE, {.axis = 0}, {F32(DIMS(2), 1, 2), LIST(0, -1)}, {F32(DIMS(1, 2, 1), 1, 2)}, 0},
    {"unsqueeze scalar", NN_OP_UNSQUEEZE, {.axis = 0}, {I64(SCALAR, 5), LIST(0)}, {I64(DIMS(1), 5)}, 0},
    {"transpose", NN_OP_TRANSPOSE, {.n_perm = 3, .perm = {2, 0, 1}}, {F32(DIMS(1, 2, 3), 1, 2, 3, 4, 5, 6)},
     {F32(DIMS(3, 1, 2), 1, 4, 2, 5, 3, 6)}, 0},
    {"transpose reversed", NN_OP_TRANSPOSE, {.axis = 0}, {I64(DIMS(2, 2), 1, 2, 3, 4)}, {I64(DIMS(2, 2), 1, 3, 2, 4)}, 0},
    {"expand", NN_OP_EXPAND, {.axis = 0}, {F32(DIMS(2, 1), 1, 2), LIST(3, 1, 2)}, {F32(DIMS(3, 2, 2), 1, 1, 2, 2, 1, 1, 2, 2, 1, 1, 2, 2)}, 0},
    {"expand by less", NN_OP_EXPAND, {.axis = 0}, {F32(DIMS(2), 1, 2), LIST(1)}, {F32(DIMS(2), 1, 2)}, 0},

    {"conv 1x1", NN_OP_CONV, WINDOW(1, 1, 0), {COMPUTED(DIMS(1, 2, 1, 2), 1, 2, 3, 4), F32(DIMS(1, 2, 1, 1), 10, 1), F32(DIMS(1), 0.5f)},
     {F32(DIMS(1, 1, 1, 2), 13.5f, 24.5f)}, 0},
    {"conv 3x3", NN_OP_CONV, WINDOW(3, 1, 1), {COMPUTED(DIMS(1, 1, 2, 2), 1, 2, 3, 4), F32(DIMS(1, 1, 3, 3), 0, 0, 0, 0, 1, 10, 0, 100, 1000)},
     {F32(DIMS(1, 1, 2, 2), 1 + 20 + 300 + 4000, 2 + 400, 3 + 40, 4)}, 0},
    {"conv stride 2, kernel from weights", NN_OP_CONV, {.stride = {2, 2}, .dilation = {1, 1}, .group = 1},
     {COMPUTED(DIMS(1, 1, 3, 3), 1, 2, 3, 4, 5, 6, 7, 8, 9), F32(DIMS(1, 1, 1, 1), 2)}, {F32(DIMS(1, 1, 2, 2), 2, 6, 14, 18)}, 0},
    {"conv depthwise", NN_OP_CONV, {.kernel = {1, 1}, .stride = {1, 1}, .dilation = {1, 1}, .group = 2},
     {COMPUTED(DIMS(1, 2, 1, 1), 3, 5), F32(DIMS(2, 1, 1, 1), 10, 100)}, {F32(DIMS(1, 2, 1, 1), 30, 500)}, 0},
    {"conv transpose", NN_OP_CONV_TRANSPOSE, WINDOW(2, 2, 0),
     {COMPUTED(DIMS(1, 2, 1, 2), 1, 2, 3, 4), F32(DIMS(2, 1, 2, 2), 1, 2, 3, 4, 10, 20, 30, 40), F32(DIMS(1), 0.5f)},
     {F32(DIMS(1, 1, 2, 4), 31.5f, 62.5f, 42.5f, 84.5f, 93.5f, 124.5f, 126.5f, 168.5f)}, 0},
    {"max pool", NN_OP_MAX_POOL, WINDOW(3, 1, 1), {COMPUTED(DIMS(1, 1, 1, 4), -1, -5, -3, -4)}, {F32(DIMS(1, 1, 1, 4), -1, -1, -3, -3)}, 0},
    {"max pool stride 2", NN_OP_MAX_POOL, WINDOW(2, 2, 0), {COMPUTED(DIMS(1, 1, 2, 4), 1, 2, 3, 4, 8, 7, 6, 5)}, {F32(DIMS(1, 1, 1, 2), 8, 6)}, 0},
    {"resize by scales", NN_OP_RESIZE, {.axis = 0}, {COMPUTED(DIMS(1, 1, 1, 2), 1, 2), NONE, F32(DIMS(4), 1, 1, 2, 2)},
     {F32(DIMS(1, 1, 2, 4), 1, 1, 2, 2, 1, 1, 2, 2)}, 0},
    {"resize by sizes", NN_OP_RESIZE, {.axis = 0}, {COMPUTED(DIMS(1, 1, 1, 2), 1, 2), F32(EMPTY_SHAPE, 0), F32(EMPTY_SHAPE, 0), LIST(1, 1, 1, 6)},
     {F32(DIMS(1, 1, 1, 6), 1, 1, 1, 2, 2, 2)}, 0},
    {"matrix product", NN_OP_MATMUL, {.axis = 0}, {COMPUTED(DIMS(2, 3), 1, 2, 3, 4, 5, 6), F32(DIMS(3, 1), 1, 10, 100)}, {F32(DIMS(2, 1), 321, 654)}, 0},
    {"matrix stacks", NN_OP_MATMUL, {.axis = 0}, {COMPUTED(DIMS(2, 1, 1, 2), 1, 2, 3, 4), COMPUTED(DIMS(2, 2, 1), 1, 10, 100, 1000)},
     {F32(DIMS(2, 2, 1, 1), 21, 2100, 43, 4300)}, 0},
};

/* What shape inference must refuse: no kernel may ever see these. */
static const struct op_case refused[] = {
    {"no input", NN_OP_SIGMOID, {.axis = 0}, {NONE}, {NONE}, 0},
    {"shapes that do not fit", NN_OP_ADD, {.axis = 0}, {F32(DIMS(2), 1, 2), F32(DIMS(3), 1, 2, 3)}, {NONE}, 0},
    {"types that do not fit", NN_OP_MUL, {.axis = 0}, {F32(DIMS(1), 1), I64(DIMS(1), 1)}, {NONE}, 0},
    {"truth values added", NN_OP_ADD, {.axis = 0}, {BOOL(DIMS(1), 1), BOOL(DIMS(1), 1)}, {NONE}, 0},
    {"where without truth", NN_OP_WHERE, {.axis = 0}, {I64(DIMS(1), 1), F32(DIMS(1), 1), F32(DIMS(1), 1)}, {NONE}, 0},
    {"where of different types", NN_OP_WHERE, {.axis = 0}, {BOOL(DIMS(1), 1), F32(DIMS(1), 1), I64(DIMS(1), 1)}, {NONE}, 0},
    {"where that does not fit", NN_OP_WHERE, {.axis = 0}, {BOOL(DIMS(2), 1, 0), F32(DIMS(3), 1, 2, 3), F32(DIMS(1), 1)}, {NONE}, 0},
    {"sigmoid of whole numbers", NN_OP_SIGMOID, {.axis = 0}, {I64(DIMS(1), 1)}, {NONE}, 0},
    {"softmax over many, old", NN_OP_SOFTMAX, {.axis = 1}, {F32(DIMS(1, 1, 2), 1, 2)}, {NONE}, 12},
    {"softmax axis", NN_OP_SOFTMAX, {.axis = 2}, {F32(DIMS(1, 1), 1)}, {NONE}, 0},
    {"softmax of a scalar", NN_OP_SOFTMAX, {.axis = 0}, {F32(SCALAR, 1)}, {NONE}, 0},
    {"largest of nothing", NN_OP_REDUCE_MAX, {.axis = 0}, {F32(EMPTY_SHAPE, 0)}, {NONE}, 0},
    {"largest along an axis twice", NN_OP_REDUCE_MAX, {.axis = 0}, {F32(DIMS(1), 0), LIST(0, -1)}, {NONE}, 0},
    {"largest truth", NN_OP_REDUCE_MAX, {.axis = 0}, {BOOL(DIMS(1), 0)}, {NONE}, 0},
    {"batch norm sizes", NN_OP_BATCH_NORM, {.axis = 0}, {F32(DIMS(1, 1), 1), F32(DIMS(1), 1), F32(DIMS(1), 1), F32(DIMS(1), 1), F32(DIMS(2), 1, 2)}, {NONE}, 0},
    {"range of different types", NN_OP_RANGE, {.axis = 0}, {F32(SCALAR, 0), I64(SCALAR, 1), F32(SCALAR, 1)}, {NONE}, 0},
    {"range in steps of nothing", NN_OP_RANGE, {.axis = 0}, {F32(SCALAR, 0), F32(SCALAR, 1), F32(SCALAR, 0)}, {NONE}, 0},
    {"range to infinity", NN_OP_RANGE, {.axis = 0}, {F32(SCALAR, 0), F32(SCALAR, INFINITY), F32(SCALAR, 1)}, {NONE}, 0},
    {"range of lists", NN_OP_RANGE, {.axis = 0}, {LIST(1, 2), I64(SCALAR, 1), I64(SCALAR, 1)}, {NONE}, 0},
    {"constant of negative shape", NN_OP_CONSTANT_OF_SHAPE, {.axis = 0}, {LIST(-1)}, {NONE}, 0},
    {"constant of huge shape", NN_OP_CONSTANT_OF_SHAPE, {.axis = 0}, {LIST(1 << 20, 1 << 20)}, {NONE}, 0},
    {"constant of huge but empty shape", NN_OP_CONSTANT_OF_SHAPE, {.axis = 0}, {LIST(0, INT64_MAX)}, {NONE}, 0},
    {"constant of long shape", NN_OP_CONSTANT_OF_SHAPE, {.axis = 0}, {LIST(1, 1, 1, 1, 1, 1, 1)}, {NONE}, 0},
    {"constant of two values", NN_OP_CONSTANT_OF_SHAPE, {.axis = 0}, {LIST(1), LIST(1, 2)}, {NONE}, 0},
    {"constant of float shape", NN_OP_CONSTANT_OF_SHAPE, {.axis = 0}, {F32(DIMS(1), 1)}, {NONE}, 0},
    {"concat that does not fit", NN_OP_CONCAT, {.axis = 0}, {F32(DIMS(1, 2), 1, 2), F32(DIMS(1, 1), 1)}, {NONE}, 0},
    {"concat of ranks", NN_OP_CONCAT, {.axis = 0}, {F32(DIMS(1, 1), 1), F32(DIMS(1), 1)}, {NONE}, 0},
    {"concat of types", NN_OP_CONCAT, {.axis = 0}, {F32(DIMS(1), 1), I64(DIMS(1), 1)}, {NONE}, 0},
    {"concat of scalars", NN_OP_CONCAT, {.axis = 0}, {I64(SCALAR, 1), I64(SCALAR, 1)}, {NONE}, 0},
    {"split sizes too few", NN_OP_SPLIT, {.axis = 0}, {F32(DIMS(3), 1, 2, 3), LIST(3)}, {F32(DIMS(1), 1), F32(DIMS(1), 1)}, 0},
    {"split sizes that do not add up", NN_OP_SPLIT, {.axis = 0}, {F32(DIMS(3), 1, 2, 3), LIST(1, 1)}, {F32(DIMS(1), 1), F32(DIMS(1), 1)}, 0},
    {"split sizes negative", NN_OP_SPLIT, {.axis = 0}, {F32(DIMS(3), 1, 2, 3), LIST(4, -1)}, {F32(DIMS(1), 1), F32(DIMS(1), 1)}, 0},
    {"split attribute overflowing", NN_OP_SPLIT, {.axis = 0, .split = (const int64_t[]){INT64_MAX, INT64_MAX}, .n_split = 2},
     {F32(DIMS(3), 1, 2, 3)}, {F32(DIMS(1), 1), F32(DIMS(1), 1)}, 11},
    {"slice in steps of nothing", NN_OP_SLICE, {.axis = 0}, {F32(DIMS(1), 1), LIST(0), LIST(1), LIST(0), LIST(0)}, {NONE}, 0},
    {"slice of other axes", NN_OP_SLICE, {.axis = 0}, {F32(DIMS(1), 1), LIST(0), LIST(1), LIST(1)}, {NONE}, 0},
    {"slice of unequal lists", NN_OP_SLICE, {.axis = 0}, {F32(DIMS(1), 1), LIST(0), LIST(1, 2)}, {NONE}, 0},
    {"slice of more axes than there are", NN_OP_SLICE, {.axis = 0}, {F32(DIMS(1), 1), LIST(0, 0), LIST(1, 1)}, {NONE}, 0},
    {"slice by floats", NN_OP_SLICE, {.axis = 0}, {F32(DIMS(1), 1), F32(DIMS(1), 0), LIST(1)}, {NONE}, 0},
    {"gather outside", NN_OP_GATHER, {.axis = 0}, {LIST(1, 2), LIST(2)}, {NONE}, 0},
    {"gather far outside", NN_OP_GATHER, {.axis = 0}, {LIST(1, 2), LIST(INT64_MIN)}, {NONE}, 0},
    {"gather by floats", NN_OP_GATHER, {.axis = 0}, {LIST(1, 2), F32(DIMS(1), 0)}, {NONE}, 0},
    {"gather of a scalar", NN_OP_GATHER, {.axis = 0}, {I64(SCALAR, 1), LIST(0)}, {NONE}, 0},
    {"gather of too many dimensions", NN_OP_GATHER, {.axis = 0}, {F32(DIMS(1, 1, 1, 1), 1), I64(DIMS(1, 1, 1, 1), 0)}, {NONE}, 0},
    {"reshape to another count", NN_OP_RESHAPE, {.axis = 0}, {F32(DIMS(3), 1, 2, 3), LIST(2)}, {NONE}, 0},
    {"reshape with a remainder", NN_OP_RESHAPE, {.axis = 0}, {F32(DIMS(3), 1, 2, 3), LIST(2, -1)}, {NONE}, 0},
    {"reshape with two open", NN_OP_RESHAPE, {.axis = 0}, {F32(DIMS(1), 1), LIST(-1, -1)}, {NONE}, 0},
    {"reshape negative", NN_OP_RESHAPE, {.axis = 0}, {F32(DIMS(1), 1), LIST(-2)}, {NONE}, 0},
    {"reshape copying too much", NN_OP_RESHAPE, {.axis = 0}, {F32(DIMS(1), 1), LIST(1, 0)}, {NONE}, 0},
    {"reshape to an overflow", NN_OP_RESHAPE, {.axis = 0}, {F32(DIMS(1), 1), LIST(INT64_MAX, INT64_MAX)}, {NONE}, 0},
    {"reshape to nothing, open", NN_OP_RESHAPE, {.allowzero = true}, {F32(DIMS(1), 1), LIST(0, -1)}, {NONE}, 0},
    {"flatten axis", NN_OP_FLATTEN, {.axis = 3}, {F32(DIMS(1, 1), 1)}, {NONE}, 0},
    {"squeeze of more than one", NN_OP_SQUEEZE, {.axis = 0}, {F32(DIMS(2), 1, 2), LIST(0)}, {NONE}, 0},
    {"squeeze axis", NN_OP_SQUEEZE, {.axis = 0}, {F32(DIMS(1), 1), LIST(1)}, {NONE}, 0},
    {"unsqueeze axis", NN_OP_UNSQUEEZE, {.axis = 0}, {F32(DIMS(1), 1), LIST(2)}, {NONE}, 0},
    {"unsqueeze twice", NN_OP_UNSQUEEZE, {.axis = 0}, {F32(DIMS(1), 1), LIST(0, 0)}, {NONE}, 0},
    {"unsqueeze to seven", NN_OP_UNSQUEEZE, {.axis = 0}, {F32(DIMS(1, 1, 1, 1), 1), LIST(0, 1, 2)}, {NONE}, 0},
    {"transpose of another rank", NN_OP_TRANSPOSE, {.n_perm = 3, .perm = {0, 1, 2}}, {F32(DIMS(1, 1), 1)}, {NONE}, 0},
    {"expand that does not fit", NN_OP_EXPAND, {.axis = 0}, {F32(DIMS(2), 1, 2), LIST(3)}, {NONE}, 0},
    {"expand to negative", NN_OP_EXPAND, {.axis = 0}, {F32(DIMS(1), 1), LIST(-1)}, {NONE}, 0},
    {"conv weights computed", NN_OP_CONV, WINDOW(1, 1, 0), {COMPUTED(DIMS(1, 1, 1, 1), 1), COMPUTED(DIMS(1, 1, 1, 1), 1)}, {NONE}, 0},
    {"conv channels", NN_OP_CONV, WINDOW(1, 1, 0), {COMPUTED(DIMS(1, 1, 1, 1), 1), F32(DIMS(1, 2, 1, 1), 1, 2)}, {NONE}, 0},
    {"conv kernel", NN_OP_CONV, WINDOW(3, 1, 1), {COMPUTED(DIMS(1, 1, 1, 1), 1), F32(DIMS(1, 1, 1, 1), 1)}, {NONE}, 0},
    {"conv bias", NN_OP_CONV, WINDOW(1, 1, 0), {COMPUTED(DIMS(1, 1, 1, 1), 1), F32(DIMS(1, 1, 1, 1), 1), F32(DIMS(2), 1, 2)}, {NONE}, 0},
    {"conv larger than the picture", NN_OP_CONV, WINDOW(2, 1, 0), {COMPUTED(DIMS(1, 1, 1, 1), 1), F32(DIMS(1, 1, 2, 2), 1, 1, 1, 1)}, {NONE}, 0},
    {"conv of a line", NN_OP_CONV, WINDOW(1, 1, 0), {COMPUTED(DIMS(1, 1, 1), 1), F32(DIMS(1, 1, 1), 1)}, {NONE}, 0},
    {"conv stride 0", NN_OP_CONV, WINDOW(1, 0, 0), {COMPUTED(DIMS(1, 1, 1, 1), 1), F32(DIMS(1, 1, 1, 1), 1)}, {NONE}, 0},
    {"conv pad negative", NN_OP_CONV, WINDOW(1, 1, -1), {COMPUTED(DIMS(1, 1, 1, 1), 1), F32(DIMS(1, 1, 1, 1), 1)}, {NONE}, 0},
    {"conv group 0", NN_OP_CONV, {.kernel = {1, 1}, .stride = {1, 1}, .dilation = {1, 1}, .group = 0},
     {COMPUTED(DIMS(1, 1, 1, 1), 1), F32(DIMS(1, 1, 1, 1), 1)}, {NONE}, 0},
    {"conv groups that do not divide", NN_OP_CONV, {.kernel = {1, 1}, .stride = {1, 1}, .dilation = {1, 1}, .group = 2},
     {COMPUTED(DIMS(1, 2, 1, 1), 1, 1), F32(DIMS(3, 1, 1, 1), 1, 1, 1)}, {NONE}, 0},
    {"conv transpose channels", NN_OP_CONV_TRANSPOSE, WINDOW(1, 1, 0), {COMPUTED(DIMS(1, 1, 1, 1), 1), F32(DIMS(2, 1, 1, 1), 1, 2)}, {NONE}, 0},
    {"conv transpose of nothing", NN_OP_CONV_TRANSPOSE, WINDOW(1, 1, 1), {COMPUTED(DIMS(1, 1, 1, 1), 1), F32(DIMS(1, 1, 1, 1), 1)}, {NONE}, 0},
    {"max pool in the padding", NN_OP_MAX_POOL, WINDOW(1, 1, 1), {COMPUTED(DIMS(1, 1, 1, 1), 1)}, {NONE}, 0},
    {"max pool of a list", NN_OP_MAX_POOL, WINDOW(1, 1, 0), {COMPUTED(DIMS(1), 1)}, {NONE}, 0},
    {"resize by a fraction", NN_OP_RESIZE, {.axis = 0}, {COMPUTED(DIMS(1, 1, 1, 2), 1, 2), NONE, F32(DIMS(4), 1, 1, 1.5f, 2)}, {NONE}, 0},
    {"resize channels", NN_OP_RESIZE, {.axis = 0}, {COMPUTED(DIMS(1, 1, 1, 2), 1, 2), NONE, F32(DIMS(4), 1, 2, 2, 2)}, {NONE}, 0},
    {"resize by not-a-number", NN_OP_RESIZE, {.axis = 0}, {COMPUTED(DIMS(1, 1, 1, 2), 1, 2), NONE, F32(DIMS(4), 1, 1, NAN, 2)}, {NONE}, 0},
    {"resize by nothing", NN_OP_RESIZE, {.axis = 0}, {COMPUTED(DIMS(1, 1, 1, 2), 1, 2), NONE, F32(EMPTY_SHAPE, 0)}, {NONE}, 0},
    {"matrices that do not fit", NN_OP_MATMUL, {.axis = 0}, {F32(DIMS(1, 2), 1, 2), F32(DIMS(1, 2), 1, 2)}, {NONE}, 0},
    {"vector product", NN_OP_MATMUL, {.axis = 0}, {F32(DIMS(2), 1, 2), F32(DIMS(2, 1), 1, 2)}, {NONE}, 0},
    {"stacks that do not fit", NN_OP_MATMUL, {.axis = 0}, {F32(DIMS(2, 1, 1), 1, 2), F32(DIMS(3, 1, 1), 1, 2, 3)}, {NONE}, 0},
};

static const struct op_case by_zero[] = {
    {"long", NN_OP_DIV, {.axis = 0}, {LIST(1, 2), LIST(1, 0)}, {LIST(0, 0)}, 0},
    {"short", NN_OP_DIV, {.axis = 0}, {I32(SCALAR, 1), I32(SCALAR, 0)}, {I32(SCALAR, 0)}, 0},
};
// clang-format on

/* A case as a node over values: inputs first, then outputs. */
struct bench {
    struct nn_value value[8];
    struct nn_node node;
    struct nn_ref_call call;
    struct dm_arena arena;
};

static int set_up(struct bench *b, const struct op_case *c, struct dm_err *e)
{
    memset(b, 0, sizeof(*b));
    b->node = (struct nn_node){.kind = c->kind, .name = c->what, .attr = c->attr};
    b->call = (struct nn_ref_call){.node = &b->node, .e = e};
    for (int i = 0; i < 5; i++) {
        b->node.in[i] = c->in[i].data ? i : -1;
        b->node.n_in = c->in[i].data ? i + 1 : b->node.n_in;
        b->value[i] = (struct nn_value){.name = "in",
                                        .dtype = c->in[i].dtype,
                                        .shape = c->in[i].shape,
                                        .data = c->in[i].computed ? NULL : c->in[i].data,
                                        .producer = -1};
        b->call.in[i] = c->in[i].data ? &b->value[i] : NULL;
        b->call.src[i] = c->in[i].data;
    }
    for (int i = 0; i < 3; i++) {
        b->node.out[i] = 5 + i;
        b->node.n_out = c->out[i].data || i == 0 ? i + 1 : b->node.n_out;
        b->value[5 + i].name = "out";
        b->call.out[i] = &b->value[5 + i];
    }
    struct nn_infer infer = {.value = b->value,
                             .node = &b->node,
                             .opset = c->opset ? c->opset : 17,
                             .arena = &b->arena,
                             .e = e};
    return nn_infer_node(&infer);
}

static bool near(const void *a, const void *b, enum nn_dtype t, int64_t n)
{
    if (t != NN_F32) {
        return memcmp(a, b, (size_t)n * nn_dtype_size(t)) == 0;
    }
    for (int64_t i = 0; i < n; i++) {
        float x = ((const float *)a)[i], y = ((const float *)b)[i];
        if (!(fabsf(x - y) <= 1e-5f * fmaxf(1, fabsf(y)))) {
            return false;
        }
    }
    return true;
}

static void operators_compute_worked_examples(void **state)
{
    (void)state;
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        const struct op_case *c = &cases[i];
        struct bench b;
        struct dm_err e = {0};
        assert_ok(set_up(&b, c, &e), &e);
        for (int k = 0; k < b.node.n_out; k++) {
            const struct nn_value *v = &b.value[5 + k];
            if (v->dtype != c->out[k].dtype || v->shape.rank != c->out[k].shape.rank ||
                memcmp(v->shape.dim, c->out[k].shape.dim,
                       (size_t)v->shape.rank * sizeof(int64_t)) != 0) {
                fail_msg("%s: shape %s", c->what, nn_shape_text(&v->shape).s);
            }
            size_t n = (size_t)nn_shape_count(&v->shape) * nn_dtype_size(v->dtype);
            b.call.dst[k] = test_malloc(DM_MAX(n, (size_t)1));
        }
        assert_ok(nn_ref_run(&b.call), &e);
        for (int k = 0; k < b.node.n_out; k++) {
            if (!near(b.call.dst[k], c->out[k].data, c->out[k].dtype,
                      nn_shape_count(&c->out[k].shape))) {
                fail_msg("%s: output %d is wrong", c->what, k);
            }
            test_free(b.call.dst[k]);
        }
        dm_arena_clear(&b.arena);
    }
}

static void every_operator_has_an_example(void **state)
{
    (void)state;
    for (int k = 0; k < NN_OP_MAX_; k++) {
        bool seen = k == NN_OP_CONSTANT; /* never a node of a graph */
        for (size_t i = 0; i < DM_COUNT(cases); i++) {
            seen |= (int)cases[i].kind == k;
        }
        if (!seen) {
            fail_msg("no example for %s", nn_op_name((enum nn_op_kind)k));
        }
    }
}

static void senseless_nodes_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < DM_COUNT(refused); i++) {
        struct bench b;
        struct dm_err e = {0};
        int code = set_up(&b, &refused[i], &e);
        if (code != DM_EMODEL || !strstr(dm_err_text(&e), refused[i].what)) {
            fail_msg("%s: %d (%s)", refused[i].what, code, dm_err_text(&e));
        }
        dm_arena_clear(&b.arena);
    }
}

static void division_by_zero_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < DM_COUNT(by_zero); i++) {
        struct bench b;
        struct dm_err e = {0};
        int64_t out[2];
        assert_ok(set_up(&b, &by_zero[i], &e), &e);
        b.call.dst[0] = out;
        assert_int_equal(nn_ref_run(&b.call), DM_EMODEL);
        dm_arena_clear(&b.arena);
    }
}

/* ---- window operators against sums written out ---- */

struct window_case {
    int64_t in_c, h, w, out_c, group;
    struct nn_attrs attr;
};

static struct window_case random_case(struct test_rng *r)
{
    struct window_case c = {.h = 1 + test_rng_below(r, 9), .w = 1 + test_rng_below(r, 9)};
    c.group = 1 + test_rng_below(r, 3);
    c.in_c = c.group * (1 + test_rng_below(r, 3));
    c.out_c = c.group * (1 + test_rng_below(r, 3));
    c.attr.group = (int)c.group;
    for (int i = 0; i < 2; i++) {
        c.attr.kernel[i] = 1 + (int)test_rng_below(r, 3);
        c.attr.stride[i] = 1 + (int)test_rng_below(r, 3);
        c.attr.dilation[i] = 1 + (int)test_rng_below(r, 2);
        c.attr.pad[i] = (int)test_rng_below(r, 3);
        c.attr.pad[i + 2] = (int)test_rng_below(r, 3);
    }
    return c;
}

/* Result element (o, y, x) as a sum over everything, each source place asked whether it belongs.
 * fault shifts the columns by one: the planted error that the comparison must see. */
static double expected_at(const struct window_case *c, bool transposed, const float *x,
                          const float *w, int64_t o, int64_t y, int64_t xx, int fault)
{
    int64_t per_in = c->in_c / c->group, per_out = c->out_c / c->group;
    int64_t g = o / per_out;
    double sum = 0;
    for (int64_t i = g * per_in; i < (g + 1) * per_in; i++) {
        for (int64_t sy = 0; sy < c->h; sy++) {
            for (int64_t sx = 0; sx < c->w; sx++) {
                for (int k = 0; k < c->attr.kernel[0] * c->attr.kernel[1]; k++) {
                    int64_t ky = k / c->attr.kernel[1], kx = k % c->attr.kernel[1];
                    int64_t oy = ky * c->attr.dilation[0] - c->attr.pad[0];
                    int64_t ox = kx * c->attr.dilation[1] - c->attr.pad[1] + fault;
                    bool belongs =
                        transposed
                            ? sy * c->attr.stride[0] + oy == y && sx * c->attr.stride[1] + ox == xx
                            : y * c->attr.stride[0] + oy == sy && xx * c->attr.stride[1] + ox == sx;
                    int64_t row =
                        transposed ? i * per_out + o % per_out : o * per_in + i - g * per_in;
                    int64_t at = row * c->attr.kernel[0] * c->attr.kernel[1] + k;
                    sum += belongs ? (double)x[(i * c->h + sy) * c->w + sx] * (double)w[at] : 0;
                }
            }
        }
    }
    return sum;
}

static void fill_random(float *p, int64_t n, struct test_rng *r)
{
    for (int64_t i = 0; i < n; i++) {
        p[i] = (float)(test_rng_unit(r) * 2 - 1);
    }
}

/* Largest difference over one random case, -1 when the shapes were refused. */
static double window_error(const struct window_case *c, bool transposed, struct test_rng *r,
                           int fault)
{
    int64_t kernel = (int64_t)c->attr.kernel[0] * c->attr.kernel[1];
    int64_t n_x = c->in_c * c->h * c->w, n_w = c->in_c * c->out_c / c->group * kernel;
    float *x = test_malloc((size_t)n_x * sizeof(*x)), *w = test_malloc((size_t)n_w * sizeof(*w));
    struct op_case op = {
        "random",
        transposed ? NN_OP_CONV_TRANSPOSE : NN_OP_CONV,
        c->attr,
        {{NN_F32, {4, {1, c->in_c, c->h, c->w}}, x, true},
         {NN_F32,
          {4,
           {transposed ? c->in_c : c->out_c, (transposed ? c->out_c : c->in_c) / c->group,
            c->attr.kernel[0], c->attr.kernel[1]}},
          w,
          false}},
        {NONE},
        0,
    };
    struct bench b;
    double worst = -1;
    fill_random(x, n_x, r);
    fill_random(w, n_w, r);
    if (set_up(&b, &op, NULL) >= 0) {
        const int64_t *out = b.value[5].shape.dim;
        float *y = test_malloc((size_t)(out[1] * out[2] * out[3]) * sizeof(*y));
        b.call.dst[0] = y;
        assert_int_equal(nn_ref_run(&b.call), DM_OK);
        for (int64_t i = 0; i < out[1] * out[2] * out[3]; i++) {
            double want = expected_at(c, transposed, x, w, i / (out[2] * out[3]),
                                      i / out[3] % out[2], i % out[3], fault);
            worst = fmax(worst, fabs(want - (double)y[i]));
        }
        test_free(y);
    }
    test_free(w);
    test_free(x);
    return worst;
}

static void convolutions_equal_their_definition(void **state)
{
    (void)state;
    struct test_rng r = {7};
    int ran = 0, noticed = 0;
    for (int i = 0; i < 200; i++) {
        struct window_case c = random_case(&r);
        for (int transposed = 0; transposed < 2; transposed++) {
            double error = window_error(&c, transposed, &r, 0);
            ran += error >= 0;
            assert_true(error < 1e-5);
            noticed += window_error(&c, transposed, &r, 1) > 1e-2;
        }
    }
    assert_true(ran > 300);
    assert_true(noticed > 250);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operators_compute_worked_examples),
        cmocka_unit_test(every_operator_has_an_example),
        cmocka_unit_test(senseless_nodes_are_refused),
        cmocka_unit_test(division_by_zero_is_refused),
        cmocka_unit_test(convolutions_equal_their_definition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
