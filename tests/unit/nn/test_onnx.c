/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading ONNX files: operators, tensors, attributes and the graph's names. */
#include "nn/onnx.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support/onnx_build.h"

/* ---- operators ---- */

static void the_operator_table_is_sorted(void **state)
{
    (void)state;
    for (int k = 0; k < NN_OP_MAX_; k++) {
        const char *name = nn_op_name((enum nn_op_kind)k);
        assert_int_equal(nn_op_find(name), k);
        assert_true(k == 0 || strcmp(nn_op_name((enum nn_op_kind)(k - 1)), name) < 0);
    }
    assert_int_equal(nn_op_find("Abs"), -1);
    assert_int_equal(nn_op_find("Xor"), -1);
    assert_int_equal(nn_op_find(""), -1);
}

/* ---- tensors ---- */

static const int64_t dims_3[] = {3}, dims_6[] = {6};

static void read_back(const Onnx__TensorProto *t, enum nn_dtype dtype, const void *want, size_t n)
{
    struct dm_arena a = {0};
    struct dm_err e = {0};
    struct nn_value v;
    assert_ok(nn_onnx_tensor(t, "t", &a, &v, &e), &e);
    assert_int_equal(v.dtype, dtype);
    assert_int_equal(nn_shape_count(&v.shape), (int64_t)(n / nn_dtype_size(dtype)));
    assert_memory_equal(v.data, want, n);
    dm_arena_clear(&a);
}

static void raw_tensors_are_read(void **state)
{
    (void)state;
    struct ob b;
    ob_init(&b, 17);
    const float f[] = {1, -2, 0.5f};
    const double d[] = {1, -2, 0.5};
    const int64_t l[] = {1, INT64_MIN, 3};
    const int32_t i[] = {1, INT32_MIN, 3};
    const uint8_t t[] = {0, 1, 255}, truth[] = {0, 1, 1};
    /* one, minus two, smallest and largest subnormal, largest number, minus zero */
    const uint16_t half[] = {0x3C00, 0xC000, 0x0001, 0x03FF, 0x7BFF, 0x8000};
    const float half_f[] = {1, -2, 0x1p-24f, 0x1.ff8p-15f, 65504, -0.0f};
    const uint16_t brain[] = {0x3F80, 0xC000, 0x3F00};
    read_back(ob_tensor(&b, "t", ONNX_FLOAT, 1, dims_3, f, sizeof(f)), NN_F32, f, sizeof(f));
    read_back(ob_tensor(&b, "t", ONNX_DOUBLE, 1, dims_3, d, sizeof(d)), NN_F32, f, sizeof(f));
    read_back(ob_tensor(&b, "t", ONNX_INT64, 1, dims_3, l, sizeof(l)), NN_I64, l, sizeof(l));
    read_back(ob_tensor(&b, "t", ONNX_INT32, 1, dims_3, i, sizeof(i)), NN_I32, i, sizeof(i));
    read_back(ob_tensor(&b, "t", ONNX_BOOL, 1, dims_3, t, sizeof(t)), NN_BOOL, truth,
              sizeof(truth));
    read_back(ob_tensor(&b, "t", ONNX_FLOAT16, 1, dims_6, half, sizeof(half)), NN_F32, half_f,
              sizeof(half_f));
    read_back(ob_tensor(&b, "t", ONNX_BFLOAT16, 1, dims_3, brain, sizeof(brain)), NN_F32, f,
              sizeof(f));
    read_back(ob_tensor(&b, "t", ONNX_FLOAT, 0, NULL, f, 4), NN_F32, f, 4);
    read_back(ob_tensor(&b, "t", ONNX_FLOAT, 1, (const int64_t[]){0}, "", 0), NN_F32, "", 0);
    ob_clear(&b);
}

static void typed_tensors_are_read(void **state)
{
    (void)state;
    struct ob b;
    ob_init(&b, 17);
    float f[] = {1, -2, 0.5f};
    double d[] = {1, -2, 0.5};
    int64_t l[] = {1, INT64_MIN, 3};
    int32_t i[] = {1, INT32_MIN, 3}, truth_i[] = {0, 1, 7}, half[] = {0x3C00, 0xC000, 0x3800};
    const uint8_t truth[] = {0, 1, 1};
    Onnx__TensorProto *t = ob_tensor(&b, "t", ONNX_FLOAT, 1, dims_3, NULL, 0);
    t->n_float_data = 3;
    t->float_data = f;
    read_back(t, NN_F32, f, sizeof(f));
    t = ob_tensor(&b, "t", ONNX_DOUBLE, 1, dims_3, NULL, 0);
    t->n_double_data = 3;
    t->double_data = d;
    read_back(t, NN_F32, f, sizeof(f));
    t = ob_tensor(&b, "t", ONNX_INT64, 1, dims_3, NULL, 0);
    t->n_int64_data = 3;
    t->int64_data = l;
    read_back(t, NN_I64, l, sizeof(l));
    t = ob_tensor(&b, "t", ONNX_INT32, 1, dims_3, NULL, 0);
    t->n_int32_data = 3;
    t->int32_data = i;
    read_back(t, NN_I32, i, sizeof(i));
    t = ob_tensor(&b, "t", ONNX_BOOL, 1, dims_3, NULL, 0);
    t->n_int32_data = 3;
    t->int32_data = truth_i;
    read_back(t, NN_BOOL, truth, sizeof(truth));
    t = ob_tensor(&b, "t", ONNX_FLOAT16, 1, dims_3, NULL, 0);
    t->n_int32_data = 3;
    t->int32_data = half;
    read_back(t, NN_F32, f, sizeof(f));
    ob_clear(&b);
}

/* Written to the wire and read again: the message types are right. */
static void typed_tensors_survive_the_wire(void **state)
{
    (void)state;
    struct ob b;
    size_t n;
    float f[] = {1, -2, 0.5f};
    struct nn_onnx *o = NULL;
    struct dm_err e = {0};
    ob_init(&b, 17);
    Onnx__TensorProto *t = ob_tensor(&b, "t", ONNX_FLOAT, 1, dims_3, NULL, 0);
    t->n_float_data = 3;
    t->float_data = f;
    ob_initialiser(&b, t);
    ob_node(&b, "Add", "x,t", "y");
    const uint8_t *bytes = ob_bytes(&b, &n);
    assert_ok(nn_onnx_parse(bytes, n, &o, &e), &e);
    read_back(o->model->graph->initializer[0], NN_F32, f, sizeof(f));
    nn_onnx_free(o);
    ob_clear(&b);
}

static void broken_tensors_are_refused(void **state)
{
    (void)state;
    static const int64_t negative[] = {-1}, huge[] = {1 << 20, 1 << 20}, seven[7] = {0},
                         over[] = {0, INT64_MAX};
    static const uint8_t zeros[64] = {0};
    static const float bad_f[] = {1, INFINITY, NAN};
    static const uint16_t bad_h[] = {0x3C00, 0x7C00, 0};
    const struct {
        const char *what;
        int type;
        size_t rank;
        const int64_t *dims;
        const void *raw;
        size_t n;
    } cases[] = {
        {"too short", ONNX_FLOAT, 1, dims_3, zeros, 8},
        {"too long", ONNX_FLOAT, 1, dims_3, zeros, 16},
        {"odd", ONNX_FLOAT, 1, dims_3, zeros, 13},
        {"nothing", ONNX_FLOAT, 1, dims_3, NULL, 0},
        {"bytes", ONNX_UINT8, 1, dims_3, zeros, 3},
        {"no type", 0, 1, dims_3, zeros, 3},
        {"negative", ONNX_FLOAT, 1, negative, zeros, 4},
        {"huge", ONNX_FLOAT, 2, huge, zeros, 4},
        {"empty but overflowing", ONNX_FLOAT, 2, over, zeros, 0},
        {"seven dimensions", ONNX_FLOAT, 7, seven, zeros, 0},
        {"infinite", ONNX_FLOAT, 1, dims_3, bad_f, sizeof(bad_f)},
        {"infinite half", ONNX_FLOAT16, 1, dims_3, bad_h, sizeof(bad_h)},
    };
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        struct ob b;
        struct nn_value v;
        struct dm_err e = {0};
        ob_init(&b, 17);
        int code = nn_onnx_tensor(ob_tensor(&b, "t", cases[i].type, cases[i].rank, cases[i].dims,
                                            cases[i].raw, cases[i].n),
                                  cases[i].what, &b.a, &v, &e);
        if (code != DM_EMODEL || !strstr(e.text, cases[i].what)) {
            fail_msg("%s: %d (%s)", cases[i].what, code, dm_err_text(&e));
        }
        ob_clear(&b);
    }
}

static void external_data_is_refused(void **state)
{
    (void)state;
    struct ob b;
    struct nn_value v;
    struct dm_err e = {0};
    ob_init(&b, 17);
    Onnx__TensorProto *t = ob_tensor(&b, "t", ONNX_FLOAT, 1, dims_3, NULL, 0);
    t->has_data_location = 1;
    t->data_location = 1;
    assert_int_equal(nn_onnx_tensor(t, "t", &b.a, &v, &e), DM_EMODEL);
    assert_non_null(strstr(e.text, "single ONNX file"));
    ob_clear(&b);
}

/* ---- attributes ---- */

static int attrs_of(struct ob *b, Onnx__NodeProto *p, int opset, struct nn_node *n,
                    struct nn_attr_input *extra, struct dm_err *e)
{
    *n = (struct nn_node){.kind = (enum nn_op_kind)nn_op_find(p->op_type), .name = "node"};
    return nn_onnx_attrs(p, opset, &b->a, n, extra, e);
}

static void attributes_are_read(void **state)
{
    (void)state;
    struct ob b;
    struct nn_node n;
    struct nn_attr_input extra;
    struct dm_err e = {0};
    ob_init(&b, 17);
    Onnx__NodeProto *p = ob_node(&b, "Conv", "x,w", "y");
    ob_ints(&b, p, "kernel_shape", 2, (const int64_t[]){3, 5});
    ob_ints(&b, p, "strides", 2, (const int64_t[]){2, 1});
    ob_ints(&b, p, "pads", 4, (const int64_t[]){1, 2, 3, 4});
    ob_ints(&b, p, "dilations", 2, (const int64_t[]){1, 2});
    ob_int(&b, p, "group", 8);
    ob_text(&b, p, "auto_pad", "NOTSET");
    assert_ok(attrs_of(&b, p, 17, &n, &extra, &e), &e);
    assert_memory_equal(n.attr.kernel, ((const int[]){3, 5}), 2 * sizeof(int));
    assert_memory_equal(n.attr.stride, ((const int[]){2, 1}), 2 * sizeof(int));
    assert_memory_equal(n.attr.pad, ((const int[]){1, 2, 3, 4}), 4 * sizeof(int));
    assert_memory_equal(n.attr.dilation, ((const int[]){1, 2}), 2 * sizeof(int));
    assert_int_equal(n.attr.group, 8);

    p = ob_node(&b, "Transpose", "x", "y");
    ob_ints(&b, p, "perm", 3, (const int64_t[]){2, 0, 1});
    assert_ok(attrs_of(&b, p, 17, &n, &extra, &e), &e);
    assert_int_equal(n.attr.n_perm, 3);
    assert_memory_equal(n.attr.perm, ((const int[]){2, 0, 1}), 3 * sizeof(int));

    p = ob_node(&b, "Cast", "x", "y");
    ob_int(&b, p, "to", ONNX_FLOAT16);
    assert_ok(attrs_of(&b, p, 17, &n, &extra, &e), &e);
    assert_int_equal(n.attr.to, NN_F32);

    p = ob_node(&b, "Unsqueeze", "x", "y");
    ob_ints(&b, p, "axes", 2, (const int64_t[]){0, -1});
    assert_ok(attrs_of(&b, p, 11, &n, &extra, &e), &e);
    assert_true(extra.present);
    assert_int_equal(extra.value.dtype, NN_I64);
    assert_int_equal(extra.value.shape.dim[0], 2);
    assert_int_equal(((const int64_t *)extra.value.data)[1], -1);
    ob_clear(&b);
}

static void attributes_have_defaults(void **state)
{
    (void)state;
    struct ob b;
    struct nn_node n;
    struct nn_attr_input extra;
    struct dm_err e = {0};
    ob_init(&b, 17);
    assert_ok(attrs_of(&b, ob_node(&b, "Conv", "x,w", "y"), 17, &n, &extra, &e), &e);
    assert_true(n.attr.stride[0] == 1 && n.attr.dilation[1] == 1 && n.attr.group == 1);
    assert_int_equal(n.attr.pad[0], 0);
    assert_false(extra.present);
    assert_ok(attrs_of(&b, ob_node(&b, "Softmax", "x", "y"), 12, &n, &extra, &e), &e);
    assert_int_equal(n.attr.axis, 1);
    assert_ok(attrs_of(&b, ob_node(&b, "Softmax", "x", "y"), 13, &n, &extra, &e), &e);
    assert_int_equal(n.attr.axis, -1);
    assert_ok(attrs_of(&b, ob_node(&b, "Flatten", "x", "y"), 13, &n, &extra, &e), &e);
    assert_int_equal(n.attr.axis, 1);
    assert_ok(attrs_of(&b, ob_node(&b, "ReduceMax", "x", "y"), 13, &n, &extra, &e), &e);
    assert_true(n.attr.keepdims);
    ob_clear(&b);
}

static void constants_come_in_many_forms(void **state)
{
    (void)state;
    struct ob b;
    struct nn_node n;
    struct nn_attr_input extra;
    struct dm_err e = {0};
    ob_init(&b, 17);
    const float f[3] = {1, 2, 3};

    Onnx__NodeProto *p = ob_node(&b, "Constant", "", "y");
    ob_attr(&b, p, "value", 4)->t = ob_tensor(&b, NULL, ONNX_FLOAT, 1, dims_3, f, sizeof(f));
    assert_ok(attrs_of(&b, p, 17, &n, &extra, &e), &e);
    assert_memory_equal(extra.value.data, f, sizeof(f));

    p = ob_node(&b, "Constant", "", "y");
    ob_int(&b, p, "value_int", 7);
    assert_ok(attrs_of(&b, p, 17, &n, &extra, &e), &e);
    assert_true(extra.value.shape.rank == 0 && *(const int64_t *)extra.value.data == 7);

    p = ob_node(&b, "Constant", "", "y");
    ob_ints(&b, p, "value_ints", 2, (const int64_t[]){7, 8});
    assert_ok(attrs_of(&b, p, 17, &n, &extra, &e), &e);
    assert_true(extra.value.shape.dim[0] == 2 && ((const int64_t *)extra.value.data)[1] == 8);

    p = ob_node(&b, "Constant", "", "y");
    ob_float(&b, p, "value_float", 0.5f);
    assert_ok(attrs_of(&b, p, 17, &n, &extra, &e), &e);
    assert_true(extra.value.dtype == NN_F32 && *(const float *)extra.value.data == 0.5f);

    p = ob_node(&b, "Constant", "", "y");
    Onnx__AttributeProto *list = ob_attr(&b, p, "value_floats", 6);
    list->n_floats = 3;
    list->floats = ob_alloc(&b, sizeof(f));
    memcpy(list->floats, f, sizeof(f));
    assert_ok(attrs_of(&b, p, 17, &n, &extra, &e), &e);
    assert_memory_equal(extra.value.data, f, sizeof(f));

    assert_int_equal(attrs_of(&b, ob_node(&b, "Constant", "", "y"), 17, &n, &extra, &e), DM_EMODEL);
    ob_clear(&b);
}

static const int64_t two[] = {1, 1}, zero_two[] = {0, 2}, big[] = {INT64_MAX, 1}, many[20] = {0};

static void unacceptable_attributes_are_refused(void **state)
{
    (void)state;
    const struct {
        const char *op, *name;
        int type; /* 2 int, 3 text, 7 ints, 0 none at all */
        int64_t i;
        const char *text;
        size_t n;
        const int64_t *ints;
    } cases[] = {
        {"Conv", "flavour", 2, 1, NULL, 0, NULL},
        {"Conv", "group", 7, 0, NULL, 2, two},
        {"Conv", "group", 2, INT64_MAX, NULL, 0, NULL},
        {"Conv", "strides", 7, 0, NULL, 1, two},
        {"Conv", "strides", 7, 0, NULL, 2, big},
        {"Conv", "pads", 7, 0, NULL, 2, two},
        {"Conv", "auto_pad", 3, 0, "SAME_UPPER", 0, NULL},
        {"ConvTranspose", "output_padding", 7, 0, NULL, 2, two},
        {"ConvTranspose", "output_shape", 7, 0, NULL, 2, two},
        {"MaxPool", "ceil_mode", 2, 1, NULL, 0, NULL},
        {"MaxPool", "dilations", 7, 0, NULL, 2, zero_two},
        {"MaxPool", "kernel_shape", 0, 0, NULL, 0, NULL},
        {"Resize", "mode", 3, 0, "linear", 0, NULL},
        {"Resize", "coordinate_transformation_mode", 3, 0, "half_pixel", 0, NULL},
        {"Resize", "coordinate_transformation_mode", 0, 0, NULL, 0, NULL},
        {"BatchNormalization", "training_mode", 2, 1, NULL, 0, NULL},
        {"Cast", "to", 2, ONNX_UINT8, NULL, 0, NULL},
        {"Cast", "to", 2, INT64_MIN, NULL, 0, NULL},
        {"Cast", "to", 0, 0, NULL, 0, NULL},
        {"Concat", "axis", 0, 0, NULL, 0, NULL},
        {"Transpose", "perm", 7, 0, NULL, 2, two},
        {"Transpose", "perm", 7, 0, NULL, 2, zero_two},
        {"Transpose", "perm", 7, 0, NULL, 20, many},
        {"Split", "split", 7, 0, NULL, 20, many},
        {"Constant", "sparse_value", 2, 0, NULL, 0, NULL},
        {"Constant", "value", 4, 0, NULL, 0, NULL},
    };
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        struct ob b;
        struct nn_node n;
        struct nn_attr_input extra;
        struct dm_err e = {0};
        ob_init(&b, 17);
        Onnx__NodeProto *p = ob_node(&b, cases[i].op, "x", "y");
        if (cases[i].type == 2) {
            ob_int(&b, p, cases[i].name, cases[i].i);
        } else if (cases[i].type == 3) {
            ob_text(&b, p, cases[i].name, cases[i].text);
        } else if (cases[i].type == 7) {
            ob_ints(&b, p, cases[i].name, cases[i].n, cases[i].ints);
        } else if (cases[i].type == 4) {
            ob_attr(&b, p, cases[i].name, 4);
        }
        int code = attrs_of(&b, p, 17, &n, &extra, &e);
        if (code != DM_EMODEL || !strstr(e.text, cases[i].name) || !strstr(e.text, cases[i].op)) {
            fail_msg("%s %s: %d (%s)", cases[i].op, cases[i].name, code, dm_err_text(&e));
        }
        ob_clear(&b);
    }
}

/* ---- names ---- */

/* x -> Sigmoid -> y, changed by the tests below. */
static void simple_model(struct ob *b)
{
    ob_init(b, 17);
    ob_picture(b, 1, 3, -1, -1);
    ob_node(b, "Sigmoid", "x", "y");
    ob_output(b, "y");
}

static void twist_cycle(struct ob *b)
{
    ob_node(b, "Floor", "q", "p");
    ob_node(b, "Floor", "p", "q");
}
static void twist_self(struct ob *b)
{
    ob_node(b, "Floor", "s", "s");
}
static void twist_unknown_name(struct ob *b)
{
    ob_node(b, "Floor", "ghost", "s");
}
static void twist_twice(struct ob *b)
{
    ob_node(b, "Floor", "x", "y");
}
static void twist_weight_twice(struct ob *b)
{
    ob_f32(b, "w", 1, dims_3, (const float[]){1, 2, 3});
    ob_f32(b, "w", 1, dims_3, (const float[]){1, 2, 3});
}
static void twist_no_output_name(struct ob *b)
{
    ob_node(b, "Floor", "x", "");
}
static void twist_gap_in_outputs(struct ob *b)
{
    ob_node(b, "Split", "x", ",s");
}
static void twist_two_inputs(struct ob *b)
{
    b->input[b->graph.n_input++] = ob_value_info(b, "x2", ONNX_FLOAT, 0, NULL);
}
static void twist_no_input(struct ob *b)
{
    b->graph.n_input = 0;
    b->node[0]->input[0] = ob_str(b, "w", 1);
    ob_f32(b, "w", 1, dims_3, (const float[]){1, 2, 3});
}
static void twist_batch(struct ob *b)
{
    b->graph.n_input = 0;
    ob_picture(b, 4, 3, 64, 64);
}
static void twist_grey(struct ob *b)
{
    b->graph.n_input = 0;
    ob_picture(b, 1, 1, 64, 64);
}
static void twist_byte_input(struct ob *b)
{
    b->input[0] = ob_value_info(b, "x", ONNX_UINT8, 4, (const int64_t[]){1, 3, 64, 64});
}
static void twist_flat_input(struct ob *b)
{
    b->input[0] = ob_value_info(b, "x", ONNX_FLOAT, 2, (const int64_t[]){1, 3});
}
static void twist_three_outputs(struct ob *b)
{
    ob_output(b, "y");
    ob_output(b, "y");
}
static void twist_no_outputs(struct ob *b)
{
    b->graph.n_output = 0;
}
static void twist_ghost_output(struct ob *b)
{
    b->graph.n_output = 0;
    ob_output(b, "ghost");
}
static void twist_unknown_operator(struct ob *b)
{
    ob_node(b, "GridSample", "x", "s");
    ob_node(b, "Abs", "x", "t");
    ob_node(b, "GridSample", "x", "u");
}
static void twist_other_domain(struct ob *b)
{
    ob_node(b, "Floor", "x", "s")->domain = ob_str(b, "com.microsoft", 13);
}
static void twist_quantised(struct ob *b)
{
    ob_node(b, "Abs", "x", "s");
    ob_node(b, "QLinearConv", "x", "t");
}
static void twist_top_k(struct ob *b)
{
    ob_node(b, "TopK", "x", "s");
}
static void twist_nms(struct ob *b)
{
    ob_node(b, "NonMaxSuppression", "x", "s");
}
static void twist_old(struct ob *b)
{
    b->opset.version = 10;
}
static void twist_new(struct ob *b)
{
    b->opset.version = 23;
}
static void twist_no_opset(struct ob *b)
{
    b->opset.domain = ob_str(b, "com.microsoft", 13);
}
static void twist_weight_without_name(struct ob *b)
{
    ob_initialiser(b, ob_tensor(b, NULL, ONNX_FLOAT, 0, NULL, "\0\0\0\0", 4));
}
static void twist_constant_with_input(struct ob *b)
{
    ob_int(b, ob_node(b, "Constant", "x", "s"), "value_int", 1);
}
static void twist_axes_twice(struct ob *b)
{
    ob_i64(b, "axes", 1, (const int64_t[]){0});
    ob_ints(b, ob_node(b, "Squeeze", "x,axes", "s"), "axes", 1, (const int64_t[]){0});
}
static void twist_many_inputs(struct ob *b)
{
    ob_int(b, ob_node(b, "Concat", "x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x", "s"), "axis", 0);
}

static void misnamed_graphs_are_refused(void **state)
{
    (void)state;
    static const struct {
        void (*twist)(struct ob *b);
        int code;
        const char *says;
    } cases[] = {
        {twist_cycle, DM_EMODEL, "out of order or form a cycle"},
        {twist_self, DM_EMODEL, "out of order or form a cycle"},
        {twist_unknown_name, DM_EMODEL, "ghost, which nothing defines"},
        {twist_twice, DM_EMODEL, "y is defined twice"},
        {twist_weight_twice, DM_EMODEL, "w is defined twice"},
        {twist_no_output_name, DM_EMODEL, "has no output"},
        {twist_gap_in_outputs, DM_EMODEL, "leaves out an output"},
        {twist_two_inputs, DM_EMODEL, "several inputs"},
        {twist_no_input, DM_EMODEL, "no input"},
        {twist_batch, DM_EMODEL, "batch=1"},
        {twist_grey, DM_EMODEL, "1 channels"},
        {twist_byte_input, DM_EMODEL, "float picture"},
        {twist_flat_input, DM_EMODEL, "float picture"},
        {twist_three_outputs, DM_EMODEL, "3 outputs"},
        {twist_no_outputs, DM_EMODEL, "0 outputs"},
        {twist_ghost_output, DM_EMODEL, "ghost is not computed"},
        {twist_unknown_operator, DM_EMODEL, "operators GridSample, Abs are not supported"},
        {twist_other_domain, DM_EMODEL, "operator Floor is not supported"},
        {twist_quantised, DM_EMODEL, "demeter model quantize"},
        {twist_top_k, DM_EMODEL, "nms=False"},
        {twist_nms, DM_EMODEL, "nms=False"},
        {twist_old, DM_EMODEL, "operator set 10"},
        {twist_new, DM_EMODEL, "operator set 23"},
        {twist_no_opset, DM_EMODEL, "no standard operator set"},
        {twist_weight_without_name, DM_EMODEL, "no name"},
        {twist_constant_with_input, DM_EMODEL, "has inputs"},
        {twist_axes_twice, DM_EMODEL, "wrong number of inputs"},
        {twist_many_inputs, DM_ELIMIT, "more than 16 inputs"},
    };
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        struct ob b;
        struct nn_model m;
        struct dm_err e = {0};
        simple_model(&b);
        cases[i].twist(&b);
        int code = ob_open(&b, &m, &e);
        if (code != cases[i].code || !strstr(e.text, cases[i].says)) {
            fail_msg("case %zu (%s): %d (%s)", i, cases[i].says, code, dm_err_text(&e));
        }
        ob_close(&m);
        ob_clear(&b);
    }
}

/* Weights listed among the inputs (IR version 3), axes as attribute, names nobody reads. */
static void old_ways_of_writing_are_accepted(void **state)
{
    (void)state;
    struct ob b;
    struct nn_model m;
    struct dm_err e = {0};
    simple_model(&b);
    ob_f32(&b, "w", 1, dims_3, (const float[]){1, 2, 3});
    b.input[b.graph.n_input++] = ob_value_info(&b, "w", ONNX_FLOAT, 1, dims_3);
    ob_ints(&b, ob_node(&b, "Unsqueeze", "w", "u"), "axes", 1, (const int64_t[]){0});
    b.node[0]->domain = ob_str(&b, "ai.onnx", 7);
    b.node[0]->name = ob_str(&b, "evil\x1b[2Jname", SIZE_MAX);
    assert_ok(ob_open(&b, &m, &e), &e);
    assert_int_equal(m.source.n_node, 2);
    assert_int_equal(m.source.node[1].n_in, 2);
    assert_null(strchr(m.source.node[0].name, '\x1b'));
    ob_close(&m);
    ob_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_operator_table_is_sorted),
        cmocka_unit_test(raw_tensors_are_read),
        cmocka_unit_test(typed_tensors_are_read),
        cmocka_unit_test(typed_tensors_survive_the_wire),
        cmocka_unit_test(broken_tensors_are_refused),
        cmocka_unit_test(external_data_is_refused),
        cmocka_unit_test(attributes_are_read),
        cmocka_unit_test(attributes_have_defaults),
        cmocka_unit_test(constants_come_in_many_forms),
        cmocka_unit_test(unacceptable_attributes_are_refused),
        cmocka_unit_test(misnamed_graphs_are_refused),
        cmocka_unit_test(old_ways_of_writing_are_accepted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
