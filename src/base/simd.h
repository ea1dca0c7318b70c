/* SPDX-License-Identifier: Apache-2.0
 *
 * One macro for loops that the compiler vectorises well: the function is compiled once per
 * instruction set and the loader picks the best one the processor has. Put it on small leaf
 * functions over whole rows (a clone is never inlined), with `restrict` pointers. Integer code
 * gives the same bytes on every clone; float code too, because nothing is contracted or
 * reassociated.
 *
 * The picking is a glibc IFUNC, which runs before the sanitizers' runtimes are ready: sanitizer
 * builds have the plain function only. */
#ifndef DM_BASE_SIMD_H
#define DM_BASE_SIMD_H

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define DM_SIMD_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
    __has_feature(memory_sanitizer)
#define DM_SIMD_SANITIZED 1
#endif
#endif

#if defined(__x86_64__) && defined(__GLIBC__) && !defined(DM_SIMD_SANITIZED)
#if defined(__clang__)
/* clang 14 takes arch= for the name of one processor and never picks it; features it does know. */
#define DM_SIMD_CLONES __attribute__((target_clones("default", "avx2", "avx512bw")))
#else
#define DM_SIMD_CLONES __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#endif
#else
#define DM_SIMD_CLONES
#endif

#endif
