/* expm1, float64 and float32, the sum kept in two parts.

   float64 is the core of exponential.h:  exp(x) = high + low,  high = s + s head rounded,
   low = (s head - (high - s)) + s tail, where tail = t (1 + head) - n (ln 2 / 4)_tail + r**2 P(r)
   is below 0.004.  The difference high - 1 is taken with what it loses (2Sum, Knuth, TAOCP vol. 2,
   4.2.2, theorem B), which covers all x: for small x it is exact, and what is left of high + low is
   x + x**2 P(x).

   float32 does without the table, which two more terms of P and simpler sums are faster than:
   x = n ln 2 + r,  s = 2**n,  expm1(x) = (s - 1) + s head + s tail,  tail = r**2 P(r) -
   n (ln 2)_tail.  The first sum is taken with what it loses (Fast2Sum, Dekker 1971): s - 1 is 0 or
   larger than s head.  s - 1 itself loses something from n = 25 on.

   In ulp: 1/2 for the last addition; the roundings in low are of numbers 20 times smaller than the
   result: 0.1.  In float32 s tail is up to 1/4 of the result, around x = 0.36: 0.4.  Where x is
   about 2**-53 (float32: 2**-24), the rounding of low counts as much as 1/4.  For -0 the sum is 0:
   hence the copied sign.

   Large x take the slow path, for which -1 does not count: exp in two steps.

   Measured maximum: float64 0.750 ulp (at 1.1e-16; beyond 1e-14 0.66) in 4 million points and
   climbing from the worst; float32 0.898 (at 0.36) in all of them. */

#ifndef CPNUM_EXPM1_H
#define CPNUM_EXPM1_H

#include "exponential.h"

#if LANE == 8
INLINE vf64 expm1_reduced_f64(vf64 x) {
    quarter_reduced_f64 x_ = reduce_quarter_ln2_f64(x);
    quarter_power_f64 q = quarter_power_of_f64(x_.n, (vi64){});
    vf64 r = x_.r, square = r * r;
    vf64 even = fma_f64(square, 0x1.a02f567fe4c71p-16, 0x1.6c16c0e4f96b6p-10);
    vf64 odd = fma_f64(square, 0x1.71e5e2ed218e6p-19, 0x1.a01a01b8cc71ep-13);
    even = fma_f64(square, even, 0x1.5555555557f3ap-5);
    odd = fma_f64(square, odd, 0x1.111111110fafep-7);
    even = fma_f64(square, even, 0x1.fffffffffffffp-2);
    odd = fma_f64(square, odd, 0x1.5555555555556p-3);
    vf64 tail = fma_f64(x_.minus, QUARTER_LN2_TAIL_f64, fma_f64(q.t, x_.head, q.t));
    tail = fma_f64(square, fma_f64(r, odd, even), tail);
    dd power = scaled_power_f64(q.s, x_.head, tail), sum = two_sum(power.high, (vf64)-1.0);
    return sum.high + (sum.low + power.low);
}

#endif

INLINE vf32 expm1_reduced_f32(vf32 x) {
    vf32 shifted = fma_f32(x, 0x1.715476p+0f, 0x1.8p23f), minus = 0x1.8p23f - shifted;
    vf32 head = fma_f32(minus, 0x1.62e430p-1f, x), rest = minus * -0x1.05c610p-29f;
    vf32 r = head + rest, square = r * r;
    vf32 late = fma_f32(square, 0x1.9e0be6p-13f, fma_f32(r, 0x1.6d4366p-10f, 0x1.111306p-7f));
    vf32 series = fma_f32(square, late, fma_f32(r, 0x1.5554fp-5f, 0x1.555554p-3f));
    vf32 tail = fma_f32(square, fma_f32(r, series, 0.5f), rest);
    vf32 s = AS(vf32, (AS(vi32, shifted) << 23) + 0x3f800000), less = s - 1.0f;
    vf32 high = fma_f32(s, head, less), low = fma_f32(s, head, less - high);
    low += (s - less) - 1.0f; /* what s - 1 loses */
    return high + fma_f32(s, tail, low);
}

#define TEMPLATE "expm1.h"
#include "real.h"

#elif defined(REAL)

INLINE V NAME(expm1)(V x) {
    const I MOST = AS(I, NAME(EXP_NORMAL));
    if (UNLIKELY(any((AS(U, x) << 1) > (AS(U, MOST) << 1)))) { /* |x| > 708 (87), or nan */
        I magnitude = AS(I, x) & ~SIGN;
        I main = magnitude <= MOST, number = magnitude <= INFINITE;
        I large = AS(I, x) > MOST;
        V result = NAME(expm1_reduced)(main ? x : R(0.0));
        result = main ? COPYSIGN(result, x) : R(-1.0);
        result = large ? NAME(exp_large)(large ? x : NAME(EXP_NORMAL), 0) : result;
        return number ? result : x;
    }
    return COPYSIGN(NAME(expm1_reduced)(x), x); /* for -0 */
}

/* (s - 1) + s p with p of exp.h.  In ULP: 0.5 for the sum, and 1.5 for r, s and p where n = +-1.
   Measured: float64 2.2 ULP, float32 2.4. */
INLINE V NAME(expm1_short)(V x) {
    NAME(quarter_reduced) x_ = NAME(reduce_quarter_ln2)(x);
    NAME(quarter_power) q = NAME(quarter_power_of)(x_.n, (I){});
    V r = x_.r, p = r + FMA(r * r, NAME(exp_series)(r), q.t);
    return COPYSIGN(FMA(q.s, p, q.s - R(1.0)), x);
}

INLINE V NAME(expm1_fast)(V x) {
    const I MOST = AS(I, NAME(EXP_NORMAL));
    I large = (AS(U, x) << 1) > (AS(U, MOST) << 1);
    if (UNLIKELY(any(large))) {
        return large ? NAME(expm1)(x) : NAME(expm1_short)(large ? R(0.0) : x);
    }
    return NAME(expm1_short)(x);
}

#endif
