/* one_of_16(table, row): table[row modulo 16] in each lane, from the 16 elements at an address.

   With permutations of registers where that is cheap (x86-64-v4; float32 in AVX2), lane by lane
   elsewhere: never as a gather, which costs more than either. */

#ifndef CPNUM_SIXTEEN_H
#define CPNUM_SIXTEEN_H

#include "../vector.h"

#if X86_512
#define ONE_OF_16_f64(table, row)                                                                  \
    __builtin_ia32_vpermi2varpd512(*(const vf64 *)(table), row, *(const vf64 *)((table) + 8))
#if LANE == 8
#define ONE_OF_16_f32(table, row)                                                                  \
    __builtin_ia32_vpermi2varps256(*(const vf32 *)(table), row, *(const vf32 *)((table) + 8))
#else
#define ONE_OF_16_f32(table, row) __builtin_ia32_permvarsf512(*(const vf32 *)(table), row)
#endif
#endif

#define TEMPLATE "sixteen.h"
#include "real.h"

#elif defined(REAL)

OVERLOADED V one_of_16(const ELEMENT *table, I row) {
#if X86_512
    return NAME(ONE_OF_16)(table, row);
#elif X86_256 && LANE == 4
    V first = __builtin_ia32_permvarsf256(*(const V *)table, row);
    V second = __builtin_ia32_permvarsf256(*(const V *)(table + 8), row);
    I upper = row << 28;
    __asm__("" : "+x"(upper)); /* else clang tests the bit by a comparison first */
    return __builtin_ia32_blendvps256(first, second, AS(V, upper));
#else
    V found;
    row &= 15;
    for (int i = 0; i < LANES; i++) found[i] = table[row[i]];
    return found;
#endif
}

#endif
