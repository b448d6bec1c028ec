/* arctan(x): the reduction and polynomial of arctangent.h with n = |x| and d = 1; one division,
   no branch.

   Error: 1/2 ULP for the last rounding, and what went before it where it weighs most:
   k = 0, result just below 1/2: q is exact; the cubic term, 0.038 there, brings the roundings of
   z, q z, P and its own, below 0.35 ULP.  k = 1, result in [1/2, 1), |q| <= 1/4: q 0.125 ULP,
   n + d 0.17, the cubic term and what Fast2Sum leaves 0.03.  Together below 0.86 ULP.

   Special values follow from the arithmetic: k = 2 and q = -1 / inf for infinities, NaN for NaN,
   x itself for zeros and subnormals.  No flag but inexact and underflow.

   Measured: float64 0.822 ULP (3 10**6 points against MPFR, with a search around the worst),
   float32 0.780 ULP (every float32). */

#ifndef CPNUM_ARCTAN_H
#define CPNUM_ARCTAN_H

#include "arctangent.h"

#if LANE == 8
INLINE vf64 arctan_f64(vf64 x) {
    vf64 t = ABS(x);
    vi64 small = magnitude_less(t, ARCTANGENT_LIMIT_F64);
    vi64 large = magnitude_less((vf64)2.0, t);
    vf64 numerator = large ? (vf64)-1.0 : small ? t : t - 1.0;
    vf64 denominator = large ? t : small ? (vf64)1.0 : t + 1.0;
    vf64 k = large ? (vf64)2.0 : small ? (vf64)0.0 : (vf64)1.0;
    vf64 q = numerator / denominator, z = q * q;
    vf64 sum = FMA(k, QUARTER_PI_F64, q);
    vf64 missed = arctangent_missed_f64(k, q, sum);
    vf64 value = sum + FMA(q * z, arctangent_polynomial_f64(z), missed);
    return AS(vf64, AS(vu64, value) | (AS(vu64, x) ^ AS(vu64, t)));
}

/* Two roundings each of q and of the sum.  Measured: float64 2.6 ULP, float32 2.8. */
INLINE vf64 arctan_fast_f64(vf64 x) {
    vf64 t = ABS(x);
    vi64 small = magnitude_less(t, (vf64)0x1.a8p-2);
    vi64 large = magnitude_less((vf64)0x1.35p+1, t);
    vf64 numerator = large ? (vf64)-1.0 : small ? t : t - 1.0;
    vf64 denominator = large ? t : small ? (vf64)1.0 : t + 1.0;
    vf64 base = large ? QUARTER_PI_F64 * 2.0 : small ? (vf64)0.0 : QUARTER_PI_F64;
    vf64 q = numerator / denominator, z = q * q;
    vf64 value = base + FMA(q * z, arctangent_fast_f64(z), q);
    return AS(vf64, AS(vu64, value) | (AS(vu64, x) ^ AS(vu64, t)));
}
#endif

INLINE vf32 arctan_f32(vf32 x) {
    vf32 t = ABS(x);
    vi32 small = magnitude_less(t, ARCTANGENT_LIMIT_F32);
    vi32 large = magnitude_less((vf32)2.0f, t);
    vf32 numerator = large ? (vf32)-1.0f : small ? t : t - 1.0f;
    vf32 denominator = large ? t : small ? (vf32)1.0f : t + 1.0f;
    vf32 k = large ? (vf32)2.0f : small ? (vf32)0.0f : (vf32)1.0f;
    vf32 q = numerator / denominator, z = q * q;
    vf32 sum = FMA(k, QUARTER_PI_F32, q);
    vf32 missed = arctangent_missed_f32(k, q, sum);
    vf32 value = sum + FMA(q * z, arctangent_polynomial_f32(z), missed);
    return AS(vf32, AS(vu32, value) | (AS(vu32, x) ^ AS(vu32, t)));
}

INLINE vf32 arctan_fast_f32(vf32 x) {
    vf32 t = ABS(x);
    vi32 small = magnitude_less(t, (vf32)0x1.a8p-2f);
    vi32 large = magnitude_less((vf32)0x1.35p+1f, t);
    vf32 numerator = large ? (vf32)-1.0f : small ? t : t - 1.0f;
    vf32 denominator = large ? t : small ? (vf32)1.0f : t + 1.0f;
    vf32 base = large ? QUARTER_PI_F32 * 2.0f : small ? (vf32)0.0f : QUARTER_PI_F32;
    vf32 q = numerator / denominator, z = q * q;
    vf32 value = base + FMA(q * z, arctangent_fast_f32(z), q);
    return AS(vf32, AS(vu32, value) | (AS(vu32, x) ^ AS(vu32, t)));
}

#endif
