/* SPDX-License-Identifier: Apache-2.0
 *
 * Whole photos through vision_count with real networks: counts, the fastest run's stages, and peak
 * memory. Built on request only. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/buf.h"
#include "base/limits.h"
#include "vision/vision.h"

static void check(int code, const struct dm_err *e)
{
    if (code < 0) {
        (void)fprintf(stderr, "bench_count: %s\n", dm_err_text(e));
        exit(1);
    }
}

/* A model and the net that borrows it. */
struct network {
    struct nn_model *model;
    struct nn_net *net;
};

static void network_open(struct network *n, const char *path, enum nn_precision precision)
{
    struct dm_err e = {0};
    struct nn_net_options o = {.precision = precision, .backend = "auto"};
    check(nn_model_open(path, &n->model, &e), &e);
    check(nn_net_new(n->model, &o, &n->net, &e), &e);
}

static void network_close(struct network *n)
{
    nn_net_free(n->net);
    nn_model_free(n->model);
}

static void print_result(const char *path, const struct vision_result *r)
{
    const struct vision_stages *ms = &r->ms;
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    printf("%s  %dx%d  containers %zu  detected %u  estimated %u  tiles %u/%u (%u black)\n", path,
           r->info.w, r->info.h, r->n_container, r->detected, r->estimated, r->tiles_processed,
           r->tiles_total, r->tiles_black);
    printf("  ms: decode %.1f  segment %.1f  crop %.1f  detect %.1f  merge %.1f  estimate %.1f  "
           "total %.1f   peak %.0f MB\n",
           ms->decode, ms->segment, ms->crop, ms->detect, ms->merge, ms->estimate, ms->total,
           (double)usage.ru_maxrss / 1024);
    for (size_t i = 0; i < r->n_container; i++) {
        const struct vision_container *c = &r->container[i];
        printf("  %s %.2f  %d,%d %dx%d  mask %lld px  detected %u  estimated %u%s\n", c->id,
               (double)c->confidence, c->bbox.x, c->bbox.y, c->bbox.w, c->bbox.h,
               (long long)c->mask_area_px, c->detected, c->estimated, c->tiled ? "  tiled" : "");
    }
    for (size_t i = 0; i < r->n_warning; i++) {
        printf("  warning: %s\n", r->warning[i]);
    }
}

static void count_photo(struct vision_engine *v, const struct vision_params *p, const char *path,
                        int repeat)
{
    struct dm_err e = {0};
    struct dm_buf file = dm_buf_init(LIMIT_IMAGE_FILE_BYTES);
    DM_CLEANUP(vision_result_freep) struct vision_result *best = NULL;
    check(dm_buf_read_file(&file, path, &e), &e);
    for (int i = 0; i < repeat; i++) {
        struct vision_result *r = NULL;
        check(vision_count(v, p, file.data, file.len, &r, &e), &e);
        if (!best || r->ms.total < best->ms.total) {
            vision_result_free(best);
            best = r;
        } else {
            vision_result_free(r);
        }
    }
    print_result(path, best);
    dm_buf_clear(&file);
}

static enum nn_precision precision_of(const char *name)
{
    for (int i = 0; nn_precision_names[i]; i++) {
        if (!strcmp(nn_precision_names[i], name)) {
            return (enum nn_precision)i;
        }
    }
    (void)fprintf(stderr, "bench_count: no precision %s\n", name);
    exit(2);
}

int main(int argc, char **argv)
{
    if (argc < 8) {
        (void)fprintf(stderr, "usage: bench_count DETECT.onnx SEGMENT.onnx|- PRECISION THREADS "
                              "product|parity|overlays REPEAT PHOTO...\n");
        return 2;
    }
    struct dm_err e = {0};
    struct vision_params p;
    enum nn_precision precision = precision_of(argv[3]);
    bool parity = !strcmp(argv[5], "parity");
    vision_params_init(&p, parity ? VISION_PROFILE_PARITY : VISION_PROFILE_PRODUCT);
    p.keep_image = p.keep_masks = !strcmp(argv[5], "overlays");
    DM_CLEANUP(dm_pool_freep) struct dm_pool *pool = NULL;
    DM_CLEANUP(network_close) struct network detect = {0};
    DM_CLEANUP(network_close) struct network segment = {0};
    DM_CLEANUP(vision_engine_freep) struct vision_engine *v = NULL;
    check(dm_pool_new((size_t)strtoul(argv[4], NULL, 10), &pool, &e), &e);
    network_open(&detect, argv[1], precision);
    if (strcmp(argv[2], "-") != 0) {
        network_open(&segment, argv[2], precision);
    }
    struct vision_engine_options o = {.detect = detect.net, .segment = segment.net, .pool = pool};
    check(vision_engine_new(&o, &v, &e), &e);
    for (int i = 7; i < argc; i++) {
        count_photo(v, &p, argv[i], (int)strtol(argv[6], NULL, 10));
    }
    return 0;
}
