/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory with a forbidden page on either side: a kernel that reads or writes outside its buffers
 * stops the test, with or without sanitizers (the unrolled kernels are built without). */
#ifndef TESTS_UNIT_NN_GUARDED_H
#define TESTS_UNIT_NN_GUARDED_H

#include <stdbool.h>
#include <sys/mman.h>
#include <unistd.h>

#include "support/testing.h"

/* n bytes that end right before the upper page (at_end), else begin right after the lower one.
 * Contents zero. Released with guarded_free. */
static inline void *guarded_alloc(size_t n, bool at_end)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), body = (n + page - 1) / page * page;
    char *p = mmap(NULL, body + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(p != MAP_FAILED);
    assert_int_equal(mprotect(p + page, body, PROT_READ | PROT_WRITE), 0);
    return p + page + (at_end ? body - n : 0);
}

static inline void guarded_free(void *block, size_t n)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), body = (n + page - 1) / page * page;
    uintptr_t inside = (uintptr_t)block / page * page;
    if (block) {
        assert_int_equal(munmap((void *)(inside - page), body + 2 * page), 0);
    }
}

#endif
