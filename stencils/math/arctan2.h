/* arctan2(y, x): the reduction and polynomial of arctangent.h with n = |y| and d = |x|, then the
   quadrant: for a set sign of x, pi - (k pi/4 + arctan(q)), so k becomes 4 - k and q changes its
   sign; the sign of y goes to the result.

   q is the double-double q + low, or its rounding would count up to 1 ULP where the result is q
   itself: with the reciprocal of the denominator, low = (numerator - q denominator) reciprocal,
   the bracket exact in an FMA; one division.  It enters as low arctan'(q) = low / (1 + z), for
   which 1 - 3/4 z is near enough (0.02 of at most 1.5 ULP).  The rest of the error is arctan's,
   with n + d as the only other inexact step of the reduction.

   That needs |x| and |y| where neither the reciprocal nor the bracket underflows: 2**-900 to
   2**1000 (float32: 2**-95 to 2**120).  If any lane is outside (or 0, inf, NaN), the branch scales
   both by the power of two that takes the longer to 2**1000 (2**120) or as near as it can; the
   shorter then loses bits only if the quotient underflows.  The same branch replaces what 0 / 0
   and inf / inf would raise a flag for: infinities become 1, finite values beside them 0, and
   (0, 0) becomes (0, 1).

   No flag but inexact and underflow.  Measured: float64 0.809 ULP (2 10**6 points against
   MPFR, with a search around the worst), float32 0.776 ULP (10**8 points). */

#ifndef CPNUM_ARCTAN2_H
#define CPNUM_ARCTAN2_H

#include "arctangent.h"

#if LANE == 8
typedef struct {
    vf64 rise, run;
} legs_f64;

/* |y| and |x|, if any are extreme scaled and replaced. */
INLINE legs_f64 legs_of_f64(vf64 y, vf64 x) {
    vf64 rise = ABS(y), run = ABS(x), infinity = __builtin_inf();
    /* From 2**-900 on and below 2**1000: moved so that these are the lowest signed integers. */
    vu64 offset = 0x8000000000000000 - ((1023L - 900) << 52);
    vi64 limit = 0x8000000000000000 + ((1000L + 900) << 52) - 1;
    vi64 extreme = (AS(vi64, AS(vu64, rise) + offset) > limit) |
                   (AS(vi64, AS(vu64, run) + offset) > limit);
    if (UNLIKELY(any(extreme))) {
        vf64 longer = magnitude_less(rise, run) ? run : rise; /* NaN if either is */
        vi64 infinite = longer == infinity;
        rise = (infinite & (rise != infinity)) ? (vf64)0.0 : rise;
        run = (infinite & (run != infinity)) ? (vf64)0.0 : run;
        vi64 exponent = 3046 - (AS(vi64, longer) >> 52);
        vf64 scale = AS(vf64, (exponent > 2046 ? (vi64)2046 : exponent) << 52);
        rise *= scale;
        run *= scale;
        rise = rise == infinity ? (vf64)1.0 : rise;
        run = ((run == infinity) | (longer == 0.0)) ? (vf64)1.0 : run;
    }
    return (legs_f64){rise, run};
}

INLINE vf64 arctan2_f64(vf64 y, vf64 x) {
    legs_f64 legs = legs_of_f64(y, x);
    vf64 rise = legs.rise, run = legs.run;
    vi64 small = magnitude_less(rise, run * ARCTANGENT_LIMIT_F64);
    vi64 large = magnitude_less(run, rise * 0.5);
    vf64 numerator = large ? -run : small ? rise : rise - run;
    vf64 denominator = large ? rise : small ? run : rise + run;
    vf64 k = large ? (vf64)2.0 : small ? (vf64)0.0 : (vf64)1.0;
    vi64 sign = AS(vi64, x) & (1L << 63);
    numerator = AS(vf64, AS(vi64, numerator) ^ sign);
    k = AS(vi64, x) < 0 ? 4.0 - k : k;
    vf64 reciprocal = 1.0 / denominator, q = numerator * reciprocal, z = q * q;
    vf64 low = FMA(-q, denominator, numerator) * reciprocal;
    vf64 derivative = FMA(z, (vf64)-0.75, (vf64)1.0);
    vf64 sum = FMA(k, QUARTER_PI_F64, q);
    vf64 missed = FMA(low, derivative, arctangent_missed_f64(k, q, sum));
    vf64 value = sum + FMA(q * z, arctangent_polynomial_f64(z), missed);
    return AS(vf64, AS(vu64, value) | (AS(vu64, y) ^ AS(vu64, ABS(y))));
}

/* As arctan_fast.  Measured: float64 2.7 ULP, float32 2.9. */
INLINE vf64 arctan2_fast_f64(vf64 y, vf64 x) {
    legs_f64 legs = legs_of_f64(y, x);
    vf64 rise = legs.rise, run = legs.run;
    vi64 small = magnitude_less(rise, run * 0x1.a8p-2);
    vi64 large = magnitude_less(run * 0x1.35p+1, rise);
    vf64 numerator = large ? -run : small ? rise : rise - run;
    vf64 denominator = large ? rise : small ? run : rise + run;
    vf64 k = large ? (vf64)2.0 : small ? (vf64)0.0 : (vf64)1.0;
    vi64 sign = AS(vi64, x) & (1L << 63);
    numerator = AS(vf64, AS(vi64, numerator) ^ sign);
    k = AS(vi64, x) < 0 ? 4.0 - k : k;
    vf64 q = numerator / denominator, z = q * q;
    vf64 value = FMA(k, QUARTER_PI_F64, FMA(q * z, arctangent_fast_f64(z), q));
    return AS(vf64, AS(vu64, value) | (AS(vu64, y) ^ AS(vu64, ABS(y))));
}
#endif

typedef struct {
    vf32 rise, run;
} legs_f32;

INLINE legs_f32 legs_of_f32(vf32 y, vf32 x) {
    vf32 rise = ABS(y), run = ABS(x), infinity = __builtin_inff();
    vu32 offset = 0x80000000 - ((127 - 95) << 23);
    vi32 limit = 0x80000000 + ((120 + 95) << 23) - 1;
    vi32 extreme = (AS(vi32, AS(vu32, rise) + offset) > limit) |
                   (AS(vi32, AS(vu32, run) + offset) > limit);
    if (UNLIKELY(any(extreme))) {
        vf32 longer = magnitude_less(rise, run) ? run : rise; /* NaN if either is */
        vi32 infinite = longer == infinity;
        rise = (infinite & (rise != infinity)) ? (vf32)0.0f : rise;
        run = (infinite & (run != infinity)) ? (vf32)0.0f : run;
        vi32 exponent = 374 - (AS(vi32, longer) >> 23);
        vf32 scale = AS(vf32, (exponent > 254 ? (vi32)254 : exponent) << 23);
        rise *= scale;
        run *= scale;
        rise = rise == infinity ? (vf32)1.0f : rise;
        run = ((run == infinity) | (longer == 0.0f)) ? (vf32)1.0f : run;
    }
    return (legs_f32){rise, run};
}

INLINE vf32 arctan2_f32(vf32 y, vf32 x) {
    legs_f32 legs = legs_of_f32(y, x);
    vf32 rise = legs.rise, run = legs.run;
    vi32 small = magnitude_less(rise, run * ARCTANGENT_LIMIT_F32);
    vi32 large = magnitude_less(run, rise * 0.5f);
    vf32 numerator = large ? -run : small ? rise : rise - run;
    vf32 denominator = large ? rise : small ? run : rise + run;
    vf32 k = large ? (vf32)2.0f : small ? (vf32)0.0f : (vf32)1.0f;
    vi32 sign = AS(vi32, x) & (1 << 31);
    numerator = AS(vf32, AS(vi32, numerator) ^ sign);
    k = AS(vi32, x) < 0 ? 4.0f - k : k;
    vf32 reciprocal = 1.0f / denominator, q = numerator * reciprocal, z = q * q;
    vf32 low = FMA(-q, denominator, numerator) * reciprocal;
    vf32 derivative = FMA(z, (vf32)-0.75f, (vf32)1.0f);
    vf32 sum = FMA(k, QUARTER_PI_F32, q);
    vf32 missed = FMA(low, derivative, arctangent_missed_f32(k, q, sum));
    vf32 value = sum + FMA(q * z, arctangent_polynomial_f32(z), missed);
    return AS(vf32, AS(vu32, value) | (AS(vu32, y) ^ AS(vu32, ABS(y))));
}

INLINE vf32 arctan2_fast_f32(vf32 y, vf32 x) {
    legs_f32 legs = legs_of_f32(y, x);
    vf32 rise = legs.rise, run = legs.run;
    vi32 small = magnitude_less(rise, run * 0x1.a8p-2f);
    vi32 large = magnitude_less(run * 0x1.35p+1f, rise);
    vf32 numerator = large ? -run : small ? rise : rise - run;
    vf32 denominator = large ? rise : small ? run : rise + run;
    vf32 k = large ? (vf32)2.0f : small ? (vf32)0.0f : (vf32)1.0f;
    vi32 sign = AS(vi32, x) & (1 << 31);
    numerator = AS(vf32, AS(vi32, numerator) ^ sign);
    k = AS(vi32, x) < 0 ? 4.0f - k : k;
    vf32 q = numerator / denominator, z = q * q;
    vf32 value = FMA(k, QUARTER_PI_F32, FMA(q * z, arctangent_fast_f32(z), q));
    return AS(vf32, AS(vu32, value) | (AS(vu32, y) ^ AS(vu32, ABS(y))));
}

#endif
