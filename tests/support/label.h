/* SPDX-License-Identifier: Apache-2.0
 *
 * The QR code of the label LOC000001 (version 1, level M), to be painted into pictures. Grey: no
 * plant of support/fake_network.h. */
#ifndef TESTS_SUPPORT_LABEL_H
#define TESTS_SUPPORT_LABEL_H

#include <string.h>

#include "image/image.h"

enum { LABEL_SIDE = 21, LABEL_QUIET = 4 };

static const char *const label_rows[LABEL_SIDE] = {
    // clang-format off
    "#######.#####.#######",
    "#.....#..#.#..#.....#",
    "#.###.#....##.#.###.#",
    "#.###.#.###...#.###.#",
    "#.###.#.....#.#.###.#",
    "#.....#..##...#.....#",
    "#######.#.#.#.#######",
    "..........##.........",
    "..#.###.###..#...#..#",
    "...#.#.#....##.#.....",
    "..##..#..#.#..#.#.#..",
    "######.#.##....#.#.#.",
    ".######..#.###..##.#.",
    "........##..#..####.#",
    "#######..#.##...#.#..",
    "#.....#.####.#.#.#.#.",
    "#.###.#.#.#.#.#.#.###",
    "#.###.#..#..#..#.#.#.",
    "#.###.#.#.#.....#.#.#",
    "#.....#..#.....#.#.##",
    "#######...##.#..#.#.#",
    // clang-format on
};

/* Paint it with its quiet zone at x, y, so many pixels a module. */
static inline void label_paint(struct image *im, int x, int y, int module)
{
    const int side = (LABEL_SIDE + 2 * LABEL_QUIET) * module;
    for (int row = 0; row < side; row++) {
        for (int column = 0; column < side; column++) {
            const int r = row / module - LABEL_QUIET;
            const int c = column / module - LABEL_QUIET;
            const bool dark =
                r >= 0 && c >= 0 && r < LABEL_SIDE && c < LABEL_SIDE && label_rows[r][c] == '#';
            memset(image_row(im, y + row) + (ptrdiff_t)(x + column) * im->channels, dark ? 20 : 190,
                   (size_t)im->channels);
        }
    }
}

#endif
