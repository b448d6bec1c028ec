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

/* r cot(r) = 1 + c s + s**2 Q(s) */
#define COT_SQUARE_f64 ((vf64)-0x1.555555555556bp-2)
#define COT_SQUARE_f32 ((vf32)-0x1.555542p-2f)

#if LANE == 8
INLINE vf64 cot_series_f64(vf64 s, vf64 ss) {
    vf64 even = fma_f64(ss, -0x1.aa4f5dcb2bb66p-29, -0x1.d8c1e5b4a01ep-23);
    vf64 odd = fma_f64(ss, -0x1.6949d92f74a65p-26, -0x1.2272d0a03cec2p-19);
    even = fma_f64(ss, even, -0x1.66a96931c9afbp-16);
    odd = fma_f64(ss, odd, -0x1.bbd776c2e4c36p-13);
    even = fma_f64(ss, even, -0x1.1566abc3b4d8fp-9);
    odd = fma_f64(ss, odd, -0x1.6c16c16c116b9p-6);
    return fma_f64(s, even, odd);
}
#endif

INLINE vf32 cot_series_f32(vf32 s, vf32 ss) {
    vf32 Q = fma_f32(s, -0x1.041394p-12f, -0x1.12c85cp-9f);
    return fma_f32(s, Q, -0x1.6c28bap-6f);
}

/* For tan_fast: pi / 2 in three parts, all of its bits. */
#define TAN_FIRST_f64 ((vf64)0x1.921fb54442d18p+0)
#define TAN_FIRST_f32 ((vf32)0x1.921fb6p+0f)
#define TAN_SECOND_f64 ((vf64)0x1.1a62633145c07p-54)
#define TAN_SECOND_f32 ((vf32)-0x1.777a5cp-25f)
#define TAN_THIRD_f64 ((vf64)-0x1.f1976b7ed8fbcp-110)
#define TAN_THIRD_f32 ((vf32)-0x1.ee59dap-50f)

#define TEMPLATE "tan.h"
#include "real.h"

#elif defined(REAL)

INLINE V NAME(tan)(V x) {
    NAME(reduced) angle = NAME(reduce)(ABS(x), SHIFT);
    V r = angle.high, low = angle.low, s = r * r, ss = s * s;
    V cot = NAME(fma)(s, NAME(COT_SQUARE), R(1.0));
    V missed = NAME(fma)(s, NAME(COT_SQUARE), R(1.0) - cot);
    missed = NAME(fma)(r * low, R(-0x1.7p-1), missed);
    missed = FMA(ss, NAME(cot_series)(s, ss), missed);

    U turn = angle.quadrant << SIGN_BIT;
    I turned = AS(I, turn) < 0;
    V numerator = turned ? cot : r, numerator_rest = turned ? missed : low;
    V denominator = turned ? r : cot, denominator_rest = turned ? low : missed;
    V reciprocal = R(1.0) / (denominator + denominator_rest), q = numerator * reciprocal;
    V remainder = FMA(-q, denominator, numerator);
    remainder += FMA(-q, denominator_rest, numerator_rest);
    q = FMA(remainder, reciprocal, q);
    return AS(V, AS(U, q) ^ ((AS(U, x) ^ turn) & AS(U, SIGN)));
}

/* One number for r, one division.  In ULP, where the result nears 1: 1 for r, 1 for cot, 0.5 for
   the quotient.  Measured: float64 3.4 ULP, float32 2.5. */
INLINE V NAME(tan_fast)(V x) {
    V size = ABS(x);
    V shifted = FMA(size, NAME(TWO_OVER_PI), (V)SHIFT), n = shifted - SHIFT;
    V r = FMA(-n, NAME(TAN_FIRST), size);
    r = FMA(-n, NAME(TAN_SECOND), r);
    r = FMA(-n, NAME(TAN_THIRD), r);
    U turn = AS(U, shifted) << SIGN_BIT;
    I large = NAME(large)(x);
    if (UNLIKELY(any(large))) {
        NAME(reduced) angle = NAME(reduce)(size, SHIFT);
        r = large ? angle.high : r;
        turn = large ? angle.quadrant << SIGN_BIT : turn;
    }
    V s = r * r, ss = s * s;
    V cot = NAME(fma)(s, NAME(fma)(s, NAME(cot_series)(s, ss), NAME(COT_SQUARE)), R(1.0));

    I turned = AS(I, turn) < 0;
    V q = (turned ? cot : r) / (turned ? r : cot);
    return AS(V, AS(U, q) ^ ((AS(U, x) ^ turn) & AS(U, SIGN)));
}

#endif
