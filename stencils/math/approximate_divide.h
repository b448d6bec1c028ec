/* Quotients of float32 for fastmath, from the processor's approximation of 1 / b, where that is
   faster than its division: beside a root, which keeps the divider busy (10 cycles each for a
   vector of 16 on Zen 4; sqrt(a) / b in 4.5 ns a vector instead of 6.0, a / b alone no faster).

   AVX-512 has 1 / b to a relative error of 2**-14 (Intel SDM vol. 2C, VRCP14PS); Newton's step,
   r + r (1 - b r), squares that, and the result is rounded, then multiplied by a.  What the step
   would make NaN of (a divisor of 0, infinity or subnormal) takes the exact division, in one
   branch: so NaN, infinities, zeros and flags are those of exact arithmetic.  The other levels
   have 2**-12 (AVX) and 2**-8 (AArch64), which take a step or two more and gain nothing: there
   division is exact.

   Measured: 1.43 ulp; 4.2 for |b| > 2**126, where 1 / b is subnormal. */

#ifndef CPNUM_APPROXIMATE_DIVIDE_H
#define CPNUM_APPROXIMATE_DIVIDE_H

#include "fma.h"

#if LANE > 1
#if X86_512

#if LANE == 8
#define RECIPROCAL(x) __builtin_ia32_rcp14ps256_mask(x, (vf32){}, -1)
#define CLASS(x, kinds) __builtin_ia32_fpclassps256_mask(x, kinds, -1)
#else
#define RECIPROCAL(x) __builtin_ia32_rcp14ps512_mask(x, (vf32){}, -1)
#define CLASS(x, kinds) __builtin_ia32_fpclassps512_mask(x, kinds, -1)
#endif
/* The kinds of VFPCLASSPS: quiet NaN, 0, -0, inf, -inf, subnormal, below 0, signalling NaN. */
#define NOT_NORMAL 0xbf

INLINE vf32 approximate_divide_f32(vf32 a, vf32 b) {
    vf32 r = RECIPROCAL(b);
    r = fma_f32(r, fma_f32(-b, r, 1.0f), r);
    vf32 quotient = a * r;
    vi32 special = FROM_BITS(vi32, LANES, CLASS(b, NOT_NORMAL));
    if (UNLIKELY(any(special))) return special ? a / b : quotient;
    return quotient;
}

#else
INLINE vf32 approximate_divide_f32(vf32 a, vf32 b) { return a / b; }
#endif
#endif

#endif
