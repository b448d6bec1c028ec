/* Tangent: the reduction of trigonometric.h, |x| = n pi/2 + r with r = high + low, and r cot(r).

   r cot(r) = 1 - r**2/3 - r**4/45 - ... is even and has its nearest pole at pi, four times as far
   as r goes, so it takes fewer terms than tan(r), or than a sine and a cosine.  With cot = 1 + c s,
   s = high**2, and what that misses of r cot(r),

       tan(x) =   (high + low) / (cot + missed)       n even,
       tan(x) = - (cot + missed) / (high + low)       n odd.

   One division, of 1 by the denominator, both parts of it; then the quotient of the heads is
   corrected once by its remainder (the design of tanh.h).

   Error: the rounding of 1 + c s is known by FMA; low enters r cot(r) by its derivative, of which
   -0.72 r low is near enough (-2/3 r at 0, -0.727 r at pi/4); the rest of the series is below
   0.011. Beside 0.5 ULP for the last FMA remain the rounding of s, 0.2 ULP where the result nears
   1, that of the other terms, 0.05, and the polynomial, 2**-57.2 (0.06; float32: 2**-27.3, 0.1).

   Coefficients: tan.sollya.  Measured: float64 0.79 ULP, float32 0.838 ULP (all 2**32 inputs).
   inf gives nan with `invalid` (inf - inf in the reduction), nan gives nan without; no argument is
   so near to a pole that the result overflows. */

#ifndef CPNUM_TAN_H
#define CPNUM_TAN_H

#include "fma.h"
#include "trigonometric.h"

#if LANE == 8
/* r cot(r) = 1 + c s + s**2 Q(s) */
INLINE vf64 cot_series_f64(vf64 s, vf64 ss) {
    vf64 even = fma_f64(ss, -0x1.aa4f5dcb2bb66p-29, -0x1.d8c1e5b4a01ep-23);
    vf64 odd = fma_f64(ss, -0x1.6949d92f74a65p-26, -0x1.2272d0a03cec2p-19);
    even = fma_f64(ss, even, -0x1.66a96931c9afbp-16);
    odd = fma_f64(ss, odd, -0x1.bbd776c2e4c36p-13);
    even = fma_f64(ss, even, -0x1.1566abc3b4d8fp-9);
    odd = fma_f64(ss, odd, -0x1.6c16c16c116b9p-6);
    return fma_f64(s, even, odd);
}

INLINE vf64 tan_f64(vf64 x) {
    reduced_f64 angle = reduce_f64(ABS(x), 0x1.8p52);
    vf64 r = angle.high, low = angle.low, s = r * r, ss = s * s;
    vf64 cot = fma_f64(s, -0x1.555555555556bp-2, 1.0);
    vf64 missed = fma_f64(s, -0x1.555555555556bp-2, 1.0 - cot);
    missed = fma_f64(r * low, -0x1.7p-1, missed);
    missed = fma_f64(ss, cot_series_f64(s, ss), missed);

    vu64 turn = angle.quadrant << 63;
    vi64 turned = AS(vi64, turn) < 0;
    vf64 numerator = turned ? cot : r, numerator_rest = turned ? missed : low;
    vf64 denominator = turned ? r : cot, denominator_rest = turned ? low : missed;
    vf64 reciprocal = 1.0 / (denominator + denominator_rest), q = numerator * reciprocal;
    vf64 remainder = FMA(-q, denominator, numerator);
    remainder += FMA(-q, denominator_rest, numerator_rest);
    q = FMA(remainder, reciprocal, q);
    return AS(vf64, AS(vu64, q) ^ ((AS(vu64, x) ^ turn) & 0x8000000000000000));
}

/* One number for r, one division.  In ULP, where the result nears 1: 1 for r, 1 for cot, 0.5 for
   the quotient.  Measured: float64 3.4 ULP, float32 2.5. */
INLINE vf64 tan_fast_f64(vf64 x) {
    vf64 size = ABS(x);
    vf64 shifted = FMA(size, (vf64)0x1.45f306dc9c883p-1, (vf64)0x1.8p52), n = shifted - 0x1.8p52;
    vf64 r = FMA(-n, (vf64)0x1.921fb54442d18p+0, size);
    r = FMA(-n, (vf64)0x1.1a62633145c07p-54, r);
    r = FMA(-n, (vf64)-0x1.f1976b7ed8fbcp-110, r);
    vu64 turn = AS(vu64, shifted) << 63;
    vi64 large = large_f64(x);
    if (UNLIKELY(any(large))) {
        reduced_f64 angle = reduce_f64(size, 0x1.8p52);
        r = large ? angle.high : r;
        turn = large ? angle.quadrant << 63 : turn;
    }
    vf64 s = r * r, ss = s * s;
    vf64 cot = fma_f64(s, fma_f64(s, cot_series_f64(s, ss), -0x1.555555555556bp-2), 1.0);

    vi64 turned = AS(vi64, turn) < 0;
    vf64 q = (turned ? cot : r) / (turned ? r : cot);
    return AS(vf64, AS(vu64, q) ^ ((AS(vu64, x) ^ turn) & 0x8000000000000000));
}
#endif

#if LANE > 1
INLINE vf32 cot_series_f32(vf32 s) {
    vf32 Q = fma_f32(s, -0x1.041394p-12f, -0x1.12c85cp-9f);
    return fma_f32(s, Q, -0x1.6c28bap-6f);
}

INLINE vf32 tan_f32(vf32 x) {
    reduced_f32 angle = reduce_f32(ABS(x), 0x1.8p23f);
    vf32 r = angle.high, low = angle.low, s = r * r;
    vf32 cot = fma_f32(s, -0x1.555542p-2f, 1.0f);
    vf32 missed = fma_f32(s, -0x1.555542p-2f, 1.0f - cot);
    missed = fma_f32(r * low, -0x1.7p-1f, missed);
    missed = FMA(s * s, cot_series_f32(s), missed);

    vu32 turn = angle.quadrant << 31;
    vi32 turned = AS(vi32, turn) < 0;
    vf32 numerator = turned ? cot : r, numerator_rest = turned ? missed : low;
    vf32 denominator = turned ? r : cot, denominator_rest = turned ? low : missed;
    vf32 reciprocal = 1.0f / (denominator + denominator_rest), q = numerator * reciprocal;
    vf32 remainder = FMA(-q, denominator, numerator);
    remainder += FMA(-q, denominator_rest, numerator_rest);
    q = FMA(remainder, reciprocal, q);
    return AS(vf32, AS(vu32, q) ^ ((AS(vu32, x) ^ turn) & 0x80000000));
}

INLINE vf32 tan_fast_f32(vf32 x) {
    vf32 size = ABS(x);
    vf32 shifted = FMA(size, (vf32)0x1.45f306p-1f, (vf32)0x1.8p23f), n = shifted - 0x1.8p23f;
    vf32 r = FMA(-n, (vf32)0x1.921fb6p+0f, size);
    r = FMA(-n, (vf32)-0x1.777a5cp-25f, r);
    r = FMA(-n, (vf32)-0x1.ee59dap-50f, r);
    vu32 turn = AS(vu32, shifted) << 31;
    vi32 large = large_f32(x);
    if (UNLIKELY(any(large))) {
        reduced_f32 angle = reduce_f32(size, 0x1.8p23f);
        r = large ? angle.high : r;
        turn = large ? angle.quadrant << 31 : turn;
    }
    vf32 s = r * r;
    vf32 cot = fma_f32(s, fma_f32(s, cot_series_f32(s), -0x1.555542p-2f), 1.0f);

    vi32 turned = AS(vi32, turn) < 0;
    vf32 q = (turned ? cot : r) / (turned ? r : cot);
    return AS(vf32, AS(vu32, q) ^ ((AS(vu32, x) ^ turn) & 0x80000000));
}
#endif

#endif
