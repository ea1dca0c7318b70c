/* SPDX-License-Identifier: Apache-2.0
 *
 * Depthwise convolutions, BF16 rounded by AVX512_BF16. */
#define DEPTHWISE_TABLE depthwise_bf16
#include "nn/avx512/depthwise.inc.h"
