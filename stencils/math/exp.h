/* exp, float64 and float32.

   Method (Cody and Waite, "Software Manual for the Elementary Functions", 1980, chapter 6; the
   compensated sum as in Tang, ACM TOMS 15 (1989), without his table):  n = rint(x / ln 2),
   r = x - n ln 2, exp(x) = 2**n exp(r), exp(r) = 1 + r + r**2 P(r), |r| <= ln 2 / 2, P minimax
   (exp_minimax.py).  The head x - n ln2_head is exact in one FMA: it is a multiple of
   min(ulp(x), ulp(ln2_head)) and smaller than 1/2.  With head + tail = r,

       exp(r) = (sum + sum_error) + (tail + r**2 P(r)),    sum + sum_error = 1 + head exactly,

   where only r**2 P(r) <= 0.07 and the last addition round notably.  In ulp of the result: 1/2
   for the last addition, 0.07 or less for each of the three roundings (P, r**2, adding the tail)
   that r**2 P(r) takes, the approximation below 0.04: 0.75.  A subnormal result is rounded once
   more, and then at most half of the error before counts: 1/2 + 0.75 / 2 = 0.88.

   2**n is added to the exponent field, which is right while the result is normal.  The slow path
   takes |x| above the last round number for which that is certain, inf and nan; it splits 2**n
   into two factors and lets the multiplication by the second one round, overflow or underflow.

   Measured maximum: float64 0.788 ulp (a subnormal result; normal ones 0.70) in 700000
   points, float32 0.780 (subnormal) in all of them. */

#ifndef CPNUM_EXP_H
#define CPNUM_EXP_H

#include "fma.h"

#if LANE == 8
/* exp(r), in [0.707, 1.415], and n in the low bits of *n; |x| < 2**20. */
INLINE vf64 exp_reduced_f64(vf64 x, vi64 *n) {
    vf64 shifted = fma_f64(x, 0x1.71547652b82fep+0, 0x1.8p52); /* n in its lowest bits */
    vf64 multiple = shifted - 0x1.8p52;
    vf64 head = fma_f64(-multiple, 0x1.62e42fefa39efp-1, x);
    vf64 r = fma_f64(-multiple, 0x1.abc9e3b39803fp-56, head), square = r * r;
    /* Even and odd powers apart: as many operations as Horner's rule has, half the latency. */
    vf64 even = fma_f64(square, 0x1.28aedf24780e6p-22, 0x1.a019988959f51p-16);
    vf64 odd = fma_f64(square, 0x1.add92a10d60b7p-26, 0x1.71def390a0e3ap-19);
    even = fma_f64(square, even, 0x1.6c16c184b64f0p-10);
    odd = fma_f64(square, odd, 0x1.a01a013d72962p-13);
    even = fma_f64(square, even, 0x1.5555555550603p-5);
    odd = fma_f64(square, odd, 0x1.1111111124d0dp-7);
    even = fma_f64(square, even, 0x1.000000000000ap-1);
    odd = fma_f64(square, odd, 0x1.5555555555503p-3);
    vf64 sum = 1.0 + head, sum_error = head - (sum - 1.0);
    vf64 tail = fma_f64(-multiple, 0x1.abc9e3b39803fp-56, sum_error);
    *n = AS(vi64, shifted);
    return sum + fma_f64(square, fma_f64(r, odd, even), tail);
}

INLINE vf64 exp_f64(vf64 x) {
    vi64 n, magnitude = AS(vi64, x) & 0x7fffffffffffffff;
    if (UNLIKELY(any(magnitude > 0x4086200000000000))) { /* |x| > 708, or nan */
        /* Beyond +-746 the result is inf or 0 whatever x; inf and nan would raise invalid. */
        vi64 negative = AS(vi64, x) < 0, finite = magnitude < 0x7ff0000000000000;
        vf64 bounded = magnitude > 0x4087500000000000 ? COPYSIGN((vf64)746.0, x) : x;
        vf64 reduced = exp_reduced_f64(finite ? bounded : 0.0, &n);
        /* 2**(n +- 128), a normal number, and then 2**-+128: rounds, overflows, underflows. */
        vi64 bits = AS(vi64, reduced) + (n << 52) + (negative ? 128l << 52 : -128l << 52);
        vf64 product = AS(vf64, bits) * (negative ? (vf64)0x1p-128 : (vf64)0x1p128);
        return finite ? product : x == -__builtin_inf() ? 0.0 : x;
    }
    vf64 reduced = exp_reduced_f64(x, &n);
    return AS(vf64, AS(vi64, reduced) + (n << 52));
}
#endif

#if LANE > 1 /* the same with fewer terms */
INLINE vf32 exp_reduced_f32(vf32 x, vi32 *n) {
    vf32 shifted = fma_f32(x, 0x1.715476p+0f, 0x1.8p23f);
    vf32 multiple = shifted - 0x1.8p23f;
    vf32 head = fma_f32(-multiple, 0x1.62e430p-1f, x);
    vf32 r = fma_f32(multiple, 0x1.05c610p-29f, head), square = r * r;
    vf32 even = fma_f32(square, 0x1.6a2436p-10f, 0x1.5558f2p-5f);
    vf32 odd = fma_f32(square, 0x1.1239d6p-7f, 0x1.555492p-3f);
    even = fma_f32(square, even, 0x1.fffffcp-2f);
    vf32 sum = 1.0f + head, sum_error = head - (sum - 1.0f);
    vf32 tail = fma_f32(multiple, 0x1.05c610p-29f, sum_error);
    *n = AS(vi32, shifted);
    return sum + fma_f32(square, fma_f32(r, odd, even), tail);
}

INLINE vf32 exp_f32(vf32 x) {
    vi32 n, magnitude = AS(vi32, x) & 0x7fffffff;
    if (UNLIKELY(any(magnitude > 0x42ae0000))) { /* |x| > 87, or nan */
        vi32 negative = AS(vi32, x) < 0, finite = magnitude < 0x7f800000;
        vf32 bounded = magnitude > 0x42d00000 ? COPYSIGN((vf32)104.0f, x) : x; /* |x| > 104 */
        vf32 reduced = exp_reduced_f32(finite ? bounded : 0.0f, &n);
        vi32 bits = AS(vi32, reduced) + (n << 23) + (negative ? 64 << 23 : -64 << 23);
        vf32 product = AS(vf32, bits) * (negative ? (vf32)0x1p-64f : (vf32)0x1p64f);
        return finite ? product : x == -__builtin_inff() ? 0.0f : x;
    }
    vf32 reduced = exp_reduced_f32(x, &n);
    return AS(vf32, AS(vi32, reduced) + (n << 23));
}
#endif

#endif
