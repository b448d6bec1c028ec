/* The exponent of a normal number, given its bits, as a floating number.

   exponent_wide_of takes more: the exponent field alone counts, whatever is above it too, so that a
   number of bits too large for a float is good. */

#ifndef CPNUM_EXPONENT_H
#define CPNUM_EXPONENT_H

#include "../vector.h"

#if LANE == 8
OVERLOADED vf64 exponent_wide_of(vi64 bits) {
    return AS(vf64, (AS(vu64, bits) >> 52) | 0x4330000000000000) - (0x1p52 + 1023.0);
}
OVERLOADED vf64 exponent_of(vi64 bits) {
#if VECTOR_BYTES == 64
    return __builtin_ia32_getexppd512_mask(AS(vf64, bits), (vf64){}, -1, 4);
#else
    return exponent_wide_of(bits);
#endif
}
#endif

#if LANE > 1
OVERLOADED vf32 exponent_wide_of(vi32 bits) {
    return AS(vf32, (AS(vu32, bits) >> 23) | 0x4b000000) - (0x1p23f + 127.0f);
}
OVERLOADED vf32 exponent_of(vi32 bits) {
#if VECTOR_BYTES == 64 && LANE == 4
    return __builtin_ia32_getexpps512_mask(AS(vf32, bits), (vf32){}, -1, 4);
#elif VECTOR_BYTES == 64
    return __builtin_ia32_getexpps256_mask(AS(vf32, bits), (vf32){}, -1);
#else
    return exponent_wide_of(bits);
#endif
}
#endif

#endif
