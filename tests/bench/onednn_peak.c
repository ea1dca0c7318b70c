/* SPDX-License-Identifier: Apache-2.0
 *
 * The most that oneDNN's convolutions reach on this machine, to measure our forward pass against.
 * Shapes are those of YOLO11 nets and, as an upper bound, one large shape that suits every kernel;
 * each in the layout oneDNN itself prefers. Driven over stdin like the other peers:
 *
 *     onednn_peak f32|bf16|int8      threads: OMP_NUM_THREADS
 *
 * Prints "ready NAME", then for every line "N" on stdin one line with the best GFLOP/s of N timings
 * of each shape, in the order of the table below (2 flops per multiply-add). */
#include <errno.h>
#include <oneapi/dnnl/dnnl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CHECK(call)                                                                                \
    do {                                                                                           \
        dnnl_status_t status_ = (call);                                                            \
        if (status_ != dnnl_success) {                                                             \
            fprintf(stderr, "%s: %d\n", #call, (int)status_);                                      \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

struct shape {
    const char *name;
    int in, out, side, kernel;
};

static const struct shape shapes[] = {
    {"3x3 64-64 at 80", 64, 64, 80, 3},         {"3x3 128-128 at 40", 128, 128, 40, 3},
    {"3x3 32-32 at 80", 32, 32, 80, 3},         {"1x1 128-128 at 80", 128, 128, 80, 1},
    {"1x1 384-256 at 20", 384, 256, 20, 1},     {"3x3 256-256 at 64", 256, 256, 64, 3},
    {"1x1 1024-1024 at 64", 1024, 1024, 64, 1},
};
#define N_SHAPES ((int)(sizeof(shapes) / sizeof(shapes[0])))

struct conv {
    dnnl_primitive_t primitive;
    dnnl_exec_arg_t args[4];
    double gflop;
};

static dnnl_memory_t filled(const dnnl_memory_desc_t *md, dnnl_engine_t engine)
{
    size_t size = (dnnl_memory_desc_get_size(md) + 4095) / 4096 * 4096;
    void *p = aligned_alloc(4096, size);
    if (!p) {
        fprintf(stderr, "no memory\n");
        exit(1);
    }
    memset(p, 0, size); /* zeros: no denormals, and integer and float kernels do not care */
    dnnl_memory_t m;
    CHECK(dnnl_memory_create(&m, md, engine, p));
    return m;
}

static struct conv make(const struct shape *s, dnnl_data_type_t type, dnnl_engine_t engine)
{
    int pad = s->kernel / 2;
    dnnl_dims_t src = {1, s->in, s->side, s->side}, dst = {1, s->out, s->side, s->side};
    dnnl_dims_t weights = {s->out, s->in, s->kernel, s->kernel}, bias = {s->out};
    dnnl_dims_t strides = {1, 1}, pads = {pad, pad};
    dnnl_data_type_t act = type == dnnl_s8 ? dnnl_u8 : type;
    dnnl_memory_desc_t src_md, weights_md, bias_md, dst_md;
    CHECK(dnnl_memory_desc_init_by_tag(&src_md, 4, src, act, dnnl_format_tag_any));
    CHECK(dnnl_memory_desc_init_by_tag(&dst_md, 4, dst, act, dnnl_format_tag_any));
    CHECK(dnnl_memory_desc_init_by_tag(&weights_md, 4, weights, type, dnnl_format_tag_any));
    CHECK(dnnl_memory_desc_init_by_tag(&bias_md, 1, bias, dnnl_f32, dnnl_a));
    dnnl_convolution_desc_t desc;
    CHECK(dnnl_convolution_forward_desc_init(&desc, dnnl_forward_inference, dnnl_convolution_direct,
                                             &src_md, &weights_md, &bias_md, &dst_md, strides, pads,
                                             pads));
    dnnl_primitive_desc_t pd;
    CHECK(dnnl_primitive_desc_create(&pd, &desc, NULL, engine, NULL));
    struct conv c = {.gflop = 2e-9 * s->in * s->out * s->kernel * s->kernel * s->side * s->side};
    CHECK(dnnl_primitive_create(&c.primitive, pd));
    const int arg[4] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_BIAS, DNNL_ARG_DST};
    const dnnl_memory_desc_t *md[4] = {
        dnnl_primitive_desc_query_md(pd, dnnl_query_src_md, 0),
        dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 0),
        dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 1),
        dnnl_primitive_desc_query_md(pd, dnnl_query_dst_md, 0),
    };
    for (int i = 0; i < 4; i++) {
        c.args[i] = (dnnl_exec_arg_t){.arg = arg[i], .memory = filled(md[i], engine)};
    }
    CHECK(dnnl_primitive_desc_destroy(pd));
    return c;
}

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Each timing lasts about as long as one forward pass, so that a busy machine disturbs both alike.
 */
#define TIMING_S 0.05

/* GFLOP/s of the best of n timings. */
static double measure(const struct conv *c, dnnl_stream_t stream, int n)
{
    double best = 0;
    int repeats = 1;
    for (int k = 0; k < n; k++) {
        double start = now_s();
        for (int i = 0; i < repeats; i++) {
            CHECK(dnnl_primitive_execute(c->primitive, stream, 4, c->args));
        }
        CHECK(dnnl_stream_wait(stream));
        double each = (now_s() - start) / repeats;
        if (k > 0 && c->gflop / each > best) { /* the first only warms up and sets the length */
            best = c->gflop / each;
        }
        repeats = (int)(TIMING_S / each) + 1;
    }
    return best;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        dnnl_data_type_t type;
    } types[] = {{"f32", dnnl_f32}, {"bf16", dnnl_bf16}, {"int8", dnnl_s8}};
    const char *word = argc == 2 ? argv[1] : "";
    for (size_t t = 0; t < sizeof(types) / sizeof(types[0]); t++) {
        if (strcmp(word, types[t].name) != 0) {
            continue;
        }
        dnnl_engine_t engine;
        dnnl_stream_t stream;
        CHECK(dnnl_engine_create(&engine, dnnl_cpu, 0));
        CHECK(dnnl_stream_create(&stream, engine, dnnl_stream_default_flags));
        struct conv conv[N_SHAPES];
        for (int i = 0; i < N_SHAPES; i++) {
            conv[i] = make(&shapes[i], types[t].type, engine);
            (void)measure(&conv[i], stream, 2);
        }
        const dnnl_version_t *v = dnnl_version();
        printf("ready oneDNN %d.%d.%d\n", v->major, v->minor, v->patch);
        fflush(stdout);
        char line[64];
        while (fgets(line, sizeof(line), stdin)) {
            long n = strtol(line, NULL, 10);
            for (int i = 0; i < N_SHAPES; i++) {
                printf("%s%.2f", i ? " " : "", measure(&conv[i], stream, (int)n + 1));
            }
            puts("");
            fflush(stdout);
        }
        return 0;
    }
    fprintf(stderr, "usage: onednn_peak f32|bf16|int8  (lines with a number on stdin)\n");
    return 2;
}
