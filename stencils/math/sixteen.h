/* one_of_16(table, row): table[row modulo 16] in each lane, from the 16 elements at an address.

   With permutations of registers where that is cheap (x86-64-v4; float32 in AVX2), lane by lane
   elsewhere: never as a gather, which costs more than either. */

#ifndef CPNUM_SIXTEEN_H
#define CPNUM_SIXTEEN_H

#include "../vector.h"

#if LANE == 8
OVERLOADED vf64 one_of_16(const double *table, vi64 row) {
#if X86_512
    return __builtin_ia32_vpermi2varpd512(*(const vf64 *)table, row, *(const vf64 *)(table + 8));
#else
    vf64 found;
    row &= 15;
    for (int i = 0; i < LANES; i++) found[i] = table[row[i]];
    return found;
#endif
}
#endif

#if LANE > 1
OVERLOADED vf32 one_of_16(const float *table, vi32 row) {
#if X86_512 && LANE == 4
    return __builtin_ia32_permvarsf512(*(const vf32 *)table, row);
#elif X86_512
    return __builtin_ia32_vpermi2varps256(*(const vf32 *)table, row, *(const vf32 *)(table + 8));
#elif X86_256 && LANE == 4
    vf32 first = __builtin_ia32_permvarsf256(*(const vf32 *)table, row);
    vf32 second = __builtin_ia32_permvarsf256(*(const vf32 *)(table + 8), row);
    vi32 upper = row << 28;
    __asm__("" : "+x"(upper)); /* else clang tests the bit by a comparison first */
    return __builtin_ia32_blendvps256(first, second, AS(vf32, upper));
#else
    vf32 found;
    row &= 15;
    for (int i = 0; i < LANES; i++) found[i] = table[row[i]];
    return found;
#endif
}
#endif

#endif
