/* SPDX-License-Identifier: Apache-2.0
 *
 * Fibers on ucontext. A switch costs two system calls (signal masks), nothing beside a transfer. */
#include "queue/fiber.h"

#include <stdint.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/alloc.h"

/* libcurl, libpq and the handlers stay below 64 KiB; only touched pages cost memory. */
enum { STACK_BYTES = 512 << 10 };

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FIBER_ASAN 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define FIBER_ASAN 1
#endif

struct fiber {
    ucontext_t here, there; /* its own place, and that of who resumed it */
    char *memory;           /* guard page, then the stack */
    size_t guard;
    void (*fn)(void *ctx);
    void *ctx;
    bool busy;
#ifdef FIBER_ASAN
    void *own_fake, *their_fake;
    const void *their_bottom;
    size_t their_size;
#endif
};

#ifdef FIBER_ASAN
#include <sanitizer/common_interface_defs.h>
static void leave(void **fake, const void *bottom, size_t size)
{
    __sanitizer_start_switch_fiber(fake, bottom, size);
}
static void enter(void *fake, const void **bottom, size_t *size)
{
    __sanitizer_finish_switch_fiber(fake, bottom, size);
}
#endif

int fiber_new(struct fiber **ret, struct dm_err *e)
{
    struct fiber *f = dm_calloc(1, sizeof(*f));
    size_t guard = (size_t)sysconf(_SC_PAGESIZE);
    char *memory = f ? mmap(NULL, guard + STACK_BYTES, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
                     : MAP_FAILED;
    if (memory == MAP_FAILED || mprotect(memory, guard, PROT_NONE) < 0) {
        dm_free(f);
        DM_FAIL(e, DM_ENOMEM, "no memory for a fiber");
    }
    f->memory = memory;
    f->guard = guard;
    *ret = f;
    return DM_OK;
}

void fiber_free(struct fiber *f)
{
    if (f) {
        (void)munmap(f->memory, f->guard + STACK_BYTES);
        dm_free(f);
    }
}

bool fiber_busy(const struct fiber *f)
{
    return f->busy;
}

static void switch_in(struct fiber *f)
{
#ifdef FIBER_ASAN
    leave(&f->their_fake, f->memory + f->guard, STACK_BYTES);
#endif
    (void)swapcontext(&f->there, &f->here);
#ifdef FIBER_ASAN
    enter(f->their_fake, NULL, NULL);
#endif
}

/* makecontext hands over ints only; a pointer is two of them. */
static void trampoline(unsigned low, unsigned high)
{
    struct fiber *f = (struct fiber *)((uintptr_t)low | (uintptr_t)high << 32);
#ifdef FIBER_ASAN
    enter(NULL, &f->their_bottom, &f->their_size);
#endif
    f->fn(f->ctx);
    f->busy = false;
#ifdef FIBER_ASAN
    leave(NULL, f->their_bottom, f->their_size); /* for ever */
#endif
    (void)setcontext(&f->there);
}

void fiber_start(struct fiber *f, void (*fn)(void *ctx), void *ctx)
{
    uintptr_t self = (uintptr_t)f;
    f->fn = fn;
    f->ctx = ctx;
    f->busy = true;
    (void)getcontext(&f->here);
    f->here.uc_stack.ss_sp = f->memory + f->guard;
    f->here.uc_stack.ss_size = STACK_BYTES;
    f->here.uc_link = NULL;
    makecontext(&f->here, (void (*)(void))trampoline, 2, (unsigned)self,
                (unsigned)((uint64_t)self >> 32));
    switch_in(f);
}

void fiber_resume(struct fiber *f)
{
    switch_in(f);
}

void fiber_switch_back(struct fiber *f)
{
#ifdef FIBER_ASAN
    leave(&f->own_fake, f->their_bottom, f->their_size);
#endif
    (void)swapcontext(&f->here, &f->there);
#ifdef FIBER_ASAN
    enter(f->own_fake, &f->their_bottom, &f->their_size);
#endif
}
