/* SPDX-License-Identifier: Apache-2.0
 *
 * Our single forward pass as one of the peers of tests/bench/compare, driven over stdin:
 *
 *     forward MODEL.onnx PRECISION THREADS [--size 640] [--backend auto] [--conf C]
 *
 * Prints "ready NAME", then for every line "N" on stdin N times the pass and one line of N
 * milliseconds. Without --conf every anchor's box is wanted, as other runtimes give it; with it the
 * pass may skip what no detection above C needs, as counting does. int8 reads the calibration file
 * beside the model. */
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/pool.h"
#include "nn/net.h"

#define WARM_UP 3

struct forward {
    struct nn_model *model;
    struct nn_net *net;
    struct dm_pool *pool;
    struct nn_session *session;
    struct image in;
    float min_logit;
};

static int prepare(struct forward *f, const char *path, const struct nn_net_options *o,
                   size_t threads, int size_px, struct dm_err *e)
{
    DM_TRY(nn_model_open(path, &f->model, e));
    DM_TRY(nn_net_new(f->model, o, &f->net, e));
    DM_TRY(dm_pool_new(threads, &f->pool, e));
    DM_TRY(nn_session_new(f->net, threads > 1 ? f->pool : NULL, &f->session, e));
    const struct nn_model_info *info = nn_net_info(f->net);
    DM_TRY(image_init(&f->in, info->dynamic ? size_px : info->input_w,
                      info->dynamic ? size_px : info->input_h, 3, e));
    uint32_t x = 1; /* any picture will do: no kernel's time depends on the values */
    for (size_t i = 0; i < (size_t)f->in.h * f->in.stride_bytes; i++) {
        x = x * 1664525u + 1013904223u;
        f->in.px[i] = (uint8_t)(x >> 24);
    }
    struct nn_heads heads;
    for (int i = 0; i < WARM_UP; i++) {
        DM_TRY(nn_session_run(f->session, &f->in, f->min_logit, &heads, e));
    }
    return DM_OK;
}

static int serve(struct forward *f, struct dm_err *e)
{
    char line[64];
    while (fgets(line, sizeof(line), stdin)) {
        long n = strtol(line, NULL, 10);
        for (long i = 0; i < n; i++) {
            struct nn_heads heads;
            dm_usec start = dm_now();
            DM_TRY(nn_session_run(f->session, &f->in, f->min_logit, &heads, e));
            printf("%s%.4f", i ? " " : "", dm_ms_since(start));
        }
        puts("");
        fflush(stdout);
    }
    return DM_OK;
}

static enum nn_precision parse_precision(const char *word)
{
    for (int i = 0; nn_precision_names[i]; i++) {
        if (strcmp(word, nn_precision_names[i]) == 0) {
            return (enum nn_precision)i;
        }
    }
    return NN_PRECISION_MAX_;
}

int main(int argc, char **argv)
{
    struct nn_net_options o = {.backend = "auto"};
    struct forward f = {.min_logit = -INFINITY};
    int size_px = 640;
    for (int i = 4; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--size") == 0) {
            size_px = (int)strtol(argv[i + 1], NULL, 10);
        } else if (strcmp(argv[i], "--backend") == 0) {
            o.backend = argv[i + 1];
        } else if (strcmp(argv[i], "--conf") == 0) {
            float conf = strtof(argv[i + 1], NULL);
            f.min_logit = logf(conf / (1 - conf));
        } else {
            argc = 0;
        }
    }
    if (argc >= 4 && argc % 2 == 0) {
        o.precision = parse_precision(argv[2]);
    }
    size_t threads = argc >= 4 ? strtoul(argv[3], NULL, 10) : 0;
    if (argc < 4 || argc % 2 || o.precision == NN_PRECISION_MAX_ || threads > LIMIT_THREADS) {
        fprintf(stderr, "usage: forward MODEL.onnx auto|f32|bf16|int8 THREADS [--size N]"
                        " [--backend NAME] [--conf C]\n");
        return 2;
    }
    char calibration[PATH_MAX];
    if (o.precision == NN_PRECISION_INT8) {
        (void)snprintf(calibration, sizeof(calibration), "%s.int8.json", argv[1]);
        o.calibration = calibration;
    }
    struct dm_err e = {0};
    int rc = prepare(&f, argv[1], &o, threads, size_px, &e);
    if (rc >= 0) {
        printf("ready demeter %s %s\n", nn_net_backend(f.net),
               nn_precision_names[nn_net_precision(f.net)]);
        fflush(stdout);
        rc = serve(&f, &e);
    }
    if (rc < 0) {
        printf("absent %s\n", dm_err_text(&e));
    }
    image_clear(&f.in);
    nn_session_free(f.session);
    nn_net_free(f.net);
    dm_pool_free(f.pool);
    nn_model_free(f.model);
    return rc < 0 ? dm_code_info(rc)->exit_status : 0;
}
