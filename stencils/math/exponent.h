/* The exponent of a normal number, given its bits, as a floating number.

   exponent_wide_of takes more: the exponent field alone counts, whatever is above it too, so that a
   number of bits too large for a float is good. */

#ifndef CPNUM_EXPONENT_H
#define CPNUM_EXPONENT_H

#include "../vector.h"

/* What 2**DIGITS and a biased exponent is more than the exponent. */
#define EXPONENT_BIAS_f64 (0x1p52 + 1023.0)
#define EXPONENT_BIAS_f32 (0x1p23f + 127.0f)

#if X86_512
#define EXPONENT_f64(x) __builtin_ia32_getexppd512_mask(x, (vf64){}, -1, 4)
#if LANE == 8
#define EXPONENT_f32(x) __builtin_ia32_getexpps256_mask(x, (vf32){}, -1)
#else
#define EXPONENT_f32(x) __builtin_ia32_getexpps512_mask(x, (vf32){}, -1, 4)
#endif
#endif

#define TEMPLATE "exponent.h"
#include "real.h"

#elif defined(REAL)

OVERLOADED V exponent_wide_of(I bits) {
    return AS(V, AS(I, AS(U, bits) >> DIGITS) | TOP) - NAME(EXPONENT_BIAS);
}

OVERLOADED V exponent_of(I bits) {
#if X86_512
    return NAME(EXPONENT)(AS(V, bits));
#else
    return exponent_wide_of(bits);
#endif
}

#endif
