/* expit(x) = 1 / (1 + exp(-x)), float64 and float32.

   exp(-x) = high + low as in expm1.h; 1 + high = sum + lost exactly (2Sum), and the quotient
   1 / (sum + low) is corrected by its remainder 1 - quotient (sum + low): one FMA each for the two
   parts, and a last one that rounds.  In ulp: 1/2, and the relative error of exp(-x), below 2**-56.

   The slow path: 1 for large x; exp(x) in two steps for large -x, where 1 + exp(x) is 1.

   Measured maximum: float64 0.583 ulp (0.813 of a subnormal result) in 3 million points and
   climbing from the worst; float32 0.643 (subnormal 0.814) in all of them. */

#ifndef CPNUM_EXPIT_H
#define CPNUM_EXPIT_H

#include "exponential.h"

#if LANE == 8
INLINE vf64 expit_reduced_f64(vf64 x) {
    vf64 y = -x;
    quarter_reduced_f64 y_ = reduce_quarter_ln2_f64(y);
    quarter_power_f64 q = quarter_power_of_f64(y_.n, (vi64){});
    vf64 tail = fma_f64(y_.minus, QUARTER_LN2_TAIL_f64, q.t);
    dd power = scaled_power_f64(q.s, y_.head, fma_f64(y_.r * y_.r, exp_series_f64(y_.r), tail));
    dd sum = two_sum((vf64)1.0, power.high);
    vf64 low = sum.low + power.low;
    vf64 quotient = 1.0 / (sum.high + low);
    vf64 remainder = fma_f64(-quotient, low, fma_f64(-quotient, sum.high, 1.0));
    return fma_f64(quotient, remainder, quotient);
}

INLINE vf64 expit_f64(vf64 x) {
    if (UNLIKELY(any((AS(vu64, x) << 1) > 0x810c400000000000))) { /* |x| > 708, or nan */
        vi64 magnitude = AS(vi64, x) & 0x7fffffffffffffff;
        vi64 main = magnitude <= 0x4086200000000000, number = magnitude <= 0x7ff0000000000000;
        vi64 negative = AS(vi64, x) < 0;
        vf64 result = expit_reduced_f64(main ? x : 0.0);
        vf64 bounded = magnitude > 0x4087500000000000 ? (vf64)-746.0 : x;
        bounded = negative & ~main ? bounded : -708.0;
        vf64 least = exp_scaled_f64(bounded, (vi64){} + (128l << 52)) * 0x1p-128;
        return main ? result : negative & number ? least : number ? 1.0 : x;
    }
    return expit_reduced_f64(x);
}
#endif

#if LANE > 1
INLINE vf32 expit_reduced_f32(vf32 x) {
    vf32 y = -x;
    quarter_reduced_f32 y_ = reduce_quarter_ln2_f32(y);
    quarter_power_f32 q = quarter_power_of_f32(y_.n, (vi32){});
    vf32 tail = fma_f32(y_.minus, QUARTER_LN2_TAIL_f32, q.t);
    tail = fma_f32(y_.r * y_.r, exp_series_f32(y_.r), tail);
    vf32 high = fma_f32(q.s, y_.head, q.s), low = fma_f32(q.s, y_.head, q.s - high);
    vf32 sum = 1.0f + high, part = sum - high;
    low = fma_f32(q.s, tail, low) + ((high - (sum - part)) + (1.0f - part));
    vf32 quotient = 1.0f / (sum + low);
    vf32 remainder = fma_f32(-quotient, low, fma_f32(-quotient, sum, 1.0f));
    return fma_f32(quotient, remainder, quotient);
}

INLINE vf32 expit_f32(vf32 x) {
    if (UNLIKELY(any((AS(vu32, x) << 1) > 0x855c0000))) { /* |x| > 87, or nan */
        vi32 magnitude = AS(vi32, x) & 0x7fffffff;
        vi32 main = magnitude <= 0x42ae0000, number = magnitude <= 0x7f800000;
        vi32 negative = AS(vi32, x) < 0;
        vf32 result = expit_reduced_f32(main ? x : 0.0f);
        vf32 bounded = magnitude > 0x42d00000 ? (vf32)-104.0f : x;
        bounded = negative & ~main ? bounded : -87.0f;
        vf32 least = exp_scaled_f32(bounded, (vi32){} + (64 << 23)) * 0x1p-64f;
        return main ? result : negative & number ? least : number ? 1.0f : x;
    }
    return expit_reduced_f32(x);
}
#endif

#endif
