/* SPDX-License-Identifier: Apache-2.0
 *
 * Random numbers and noise of the renderer: small, seedable, the same everywhere. */
#ifndef SYNTH_RNG_H
#define SYNTH_RNG_H

#include <stdbool.h>
#include <stdint.h>

/* splitmix64, Steele, Lea & Flood 2014. Any state is valid. */
struct rng {
    uint64_t s;
};

static inline uint64_t rng_mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static inline uint64_t rng_next(struct rng *r)
{
    r->s += UINT64_C(0x9e3779b97f4a7c15);
    return rng_mix(r->s);
}

/* A generator of its own for part n, so that one part's appetite does not change the others. */
static inline struct rng rng_fork(uint64_t seed, uint64_t n)
{
    return (struct rng){rng_mix(seed ^ rng_mix(n + UINT64_C(0x632be59bd9b4e019)))};
}

/* 0 <= x < 1 */
static inline float rng_unit(struct rng *r)
{
    return (float)(rng_next(r) >> 40) * 0x1p-24f;
}

static inline float rng_range(struct rng *r, float lo, float hi)
{
    return lo + (hi - lo) * rng_unit(r);
}

/* 0 <= x < n, n >= 1 */
static inline int rng_below(struct rng *r, int n)
{
    return (int)(rng_next(r) % (uint64_t)n);
}

static inline bool rng_chance(struct rng *r, float p)
{
    return rng_unit(r) < p;
}

/* Hash of a lattice point to 0..1. */
static inline float rng_lattice(int x, int y, uint32_t seed)
{
    uint32_t h = (uint32_t)x * 0x8da6b343u ^ (uint32_t)y * 0xd8163841u ^ seed * 0xcb1ab31fu;
    h = (h ^ (h >> 15)) * 0x2c1b3c6du;
    h = (h ^ (h >> 12)) * 0x297a2d39u;
    return (float)((h ^ (h >> 15)) >> 8) * 0x1p-24f;
}

#endif
