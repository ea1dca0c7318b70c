/* SPDX-License-Identifier: Apache-2.0
 *
 * Epilogues, BF16 rounded by AVX512_BF16. */
#define FINISH_TABLE finish_bf16
#include "nn/avx512/finish.inc.h"
