/* SPDX-License-Identifier: Apache-2.0
 *
 * What decoding one file costs, measured in a process of its own: a crash is a result, too. */
#ifndef TESTS_SUPPORT_MEASURE_H
#define TESTS_SUPPORT_MEASURE_H

#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "image/codec.h"

/* Sanitizers multiply time and memory; then only the outcome is judged. */
#if defined(__SANITIZE_ADDRESS__)
#define MEASURE_EXACT 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MEASURE_EXACT 0
#endif
#endif
#ifndef MEASURE_EXACT
#define MEASURE_EXACT 1
#endif

#define MEASURE_MEMORY ((rlim_t)3 << 29) /* 1.5 GiB */

struct measured {
    int code; /* of image_decode; DM_EINTERNAL when the process died */
    double cpu_ms;
    double grown_mb; /* peak resident memory over what the process began with */
    struct image_info info;
    struct dm_err e;
};

static inline double measure_cpu_ms(const struct rusage *u)
{
    return (double)(u->ru_utime.tv_sec + u->ru_stime.tv_sec) * 1e3 +
           (double)(u->ru_utime.tv_usec + u->ru_stime.tv_usec) / 1e3;
}

static inline struct measured measure_decode(const void *bytes, size_t n)
{
    struct measured m = {.code = DM_EINTERNAL};
    int fd[2];
    if (pipe(fd) < 0) {
        return m;
    }
    (void)fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        struct rusage before;
        struct rusage after;
        struct image im = {0};
        const struct rlimit address_space = {MEASURE_MEMORY, MEASURE_MEMORY};
        (void)signal(SIGSEGV, SIG_DFL); /* cmocka catches it */
        if (MEASURE_EXACT) { /* a giant allocation fails, even if it would never be touched */
            (void)setrlimit(RLIMIT_AS, &address_space);
        }
        (void)getrusage(RUSAGE_SELF, &before);
        m.code = image_decode(bytes, n, NULL, &im, &m.info, &m.e);
        (void)getrusage(RUSAGE_SELF, &after);
        m.cpu_ms = measure_cpu_ms(&after) - measure_cpu_ms(&before);
        m.grown_mb = (double)(after.ru_maxrss - before.ru_maxrss) / 1024;
        _exit(write(fd[1], &m, sizeof(m)) == (ssize_t)sizeof(m) ? 0 : 1);
    }
    (void)close(fd[1]);
    if (pid > 0) {
        struct measured got;
        int status;
        bool whole = read(fd[0], &got, sizeof(got)) == (ssize_t)sizeof(got);
        if (waitpid(pid, &status, 0) == pid && whole && WIFEXITED(status)) {
            m = got;
        }
    }
    (void)close(fd[0]);
    return m;
}

/* Fastest of several runs: on a busy machine even processor time grows, because caches are shared.
 */
static inline struct measured measure_decode_best(const void *bytes, size_t n)
{
    struct measured best = measure_decode(bytes, n);
    for (int i = 1; i < 5; i++) {
        struct measured m = measure_decode(bytes, n);
        best = m.cpu_ms < best.cpu_ms ? m : best;
    }
    return best;
}

#endif
