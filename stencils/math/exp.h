/* exp, float64 and float32: the core of exponential.h and nothing more.

   exp(x) = s (1 + p), p = r + (t + r**2 P(r)), |p| < 0.0905, by one last FMA.  In ulp of the
   result: 1/2 for that FMA; 0.0625 at most for each of the roundings of r and p, which are below
   1/8 and count s times, s < 2; 0.036 for the approximation (float32: 0.05): 0.67.  A subnormal
   result is rounded once more, and then at most half of the error before counts: 0.84.

   2**(n/4) is a normal number as long as the result is.  The slow path takes |x| above the last
   round number for which that is certain, inf and nan; it splits the power into two factors and
   lets the multiplication by the second one round, overflow or underflow.

   Measured maximum: float64 0.669 ulp (0.813 of a subnormal result) in 6 million points and
   climbing from the worst; float32 0.714 (subnormal 0.814) in all of them. */

#ifndef CPNUM_EXP_H
#define CPNUM_EXP_H

#include "exponential.h"

#if LANE == 8
INLINE vf64 exp_f64(vf64 x) {
    if (UNLIKELY(any((AS(vu64, x) << 1) > 0x810c400000000000))) { /* |x| > 708, or nan */
        vi64 magnitude = AS(vi64, x) & 0x7fffffffffffffff;
        /* Beyond +-746 the result is inf or 0 whatever x; inf and nan would raise invalid. */
        vi64 negative = AS(vi64, x) < 0, finite = magnitude < 0x7ff0000000000000;
        vf64 bounded = magnitude > 0x4087500000000000 ? COPYSIGN((vf64)746.0, x) : x;
        /* 2**-+128 apart, whose multiplication rounds, overflows or underflows. */
        vf64 scaled = exp_scaled_f64(finite ? bounded : 0.0, negative ? 128l << 52 : -128l << 52);
        vf64 product = scaled * (negative ? (vf64)0x1p-128 : (vf64)0x1p128);
        return finite ? product : x == -__builtin_inf() ? 0.0 : x;
    }
    return exp_scaled_f64(x, 0);
}
#endif

#if LANE > 1
INLINE vf32 exp_f32(vf32 x) {
    if (UNLIKELY(any((AS(vu32, x) << 1) > 0x855c0000))) { /* |x| > 87, or nan */
        vi32 magnitude = AS(vi32, x) & 0x7fffffff;
        vi32 negative = AS(vi32, x) < 0, finite = magnitude < 0x7f800000;
        vf32 bounded = magnitude > 0x42d00000 ? COPYSIGN((vf32)104.0f, x) : x; /* |x| > 104 */
        vf32 scaled = exp_scaled_f32(finite ? bounded : 0.0f, negative ? 64 << 23 : -64 << 23);
        vf32 product = scaled * (negative ? (vf32)0x1p-64f : (vf32)0x1p64f);
        return finite ? product : x == -__builtin_inff() ? 0.0f : x;
    }
    return exp_scaled_f32(x, (vi32){});
}
#endif

#endif
