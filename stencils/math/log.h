/* The natural logarithm.

   x = 2**k * m with sqrt(1/2) <= m < sqrt(2), by integer arithmetic on the bits of x; f = m - 1 is
   exact, and log x = k ln 2 + log(1 + f) has no cancellation, for |log m| <= ln(2) / 2.

   float64: with s = f / (2 + f) and z = s * s, the series log(1 + f) = 2 atanh(s) = 2 s + s z P(z)
   is rearranged, by 2 s = f - s f = f - f**2 / 2 + s f**2 / 2, into

       log(1 + f) = (f - f**2 / 2) + s (f**2 / 2 + z P(z)),

   the form of K. C. Ng's log in FreeBSD msun.  float32 does without the division:

       log(1 + f) = (f - f**2 / 2) + f**3 P(f).

   Error bound: the parenthesis on the left is kept as a sum of two floats, k * LN2_HIGH is exact,
   and the two are added with what the sum loses.  What remains is the last rounding, 0.5 ULP, and
   the second term: at most 0.053 of the result (at f = sqrt(2) - 1), with a relative error of at
   most 4 * 2**-53 that makes 0.2 ULP.  P adds 0.01 ULP (2**-59.5), in float32 0.13 (2**-26.9).

   The main path sees exponent and significand as integers only, so that it raises no flag for any
   x at all.  Subnormals and all that is no positive finite number go through the slow path.

   Coefficients: log.sollya.  Measured: float64 0.66 ULP (48 million random points over all
   exponents, near 1 and near the splits at sqrt(2) 2**k, and climbing from the worst of them);
   float32 0.67 ULP (all 2**31 positive numbers). */

#ifndef CPNUM_LOG_H
#define CPNUM_LOG_H

#include "../vector.h"
#include "fma.h"

#if LANE == 8
/* log(x * 2**(1023 + 2**52 - bias)) for the bits of a normal positive x, else any number. */
INLINE vf64 log_of_bits_f64(vi64 bits, vf64 bias) {
    /* Adding 1 - sqrt(1/2), in units of the last place, carries into the exponent for a
       significand from sqrt(2) on; sqrt(1/2) on top of what is left gives m. */
    vu64 carried = AS(vu64, bits) + (0x3ff0000000000000 - 0x3fe6a09e667f3bcd);
    vf64 m = AS(vf64, (carried & 0x000fffffffffffff) + 0x3fe6a09e667f3bcd);
    /* The exponent field below the bits of 2**52 is an exact conversion to float64. */
    vf64 k = AS(vf64, (carried >> 52) | 0x4330000000000000) - bias;

    vf64 f = m - 1.0;
    vf64 s = f / (f + 2.0);
    vf64 half = f * 0.5;
    vf64 head = FMA(-half, f, f), head_low = FMA(-half, f, f - head); /* f - head is exact */

    vf64 z = s * s, z2 = z * z;
    vf64 p = fma_f64(0x1.2f023f020e18ep-3, z, 0x1.39a20d7dfaaaep-3);
    p = fma_f64(p, z, 0x1.74663b910dc0dp-3);
    p = fma_f64(p, z2, fma_f64(0x1.c71c521a6f8b7p-3, z, 0x1.24924941dae8ap-2));
    p = fma_f64(p, z2, fma_f64(0x1.999999997ff68p-2, z, 0x1.5555555555592p-1));

    const vf64 LN2_HIGH = 0x1.62e42fefa38p-1, LN2_LOW = 0x1.ef35793c7673p-45; /* 42, 53 bits */
    vf64 sum = FMA(k, LN2_HIGH, head), sum_low = FMA(k, LN2_HIGH, -sum) + head;
    vf64 low = FMA(s, FMA(z, p, half * f), FMA(k, LN2_LOW, head_low));
    return sum + (sum_low + low);
}

INLINE vf64 log_f64(vf64 x) {
    vi64 bits = AS(vi64, x);
    const long NORMAL = 0x0010000000000000, INFINITE = 0x7ff0000000000000;
    const long LEAST = ~0x7fffffffffffffff;
    const vf64 BIAS = 0x1p52 + 1023.0, SUBNORMAL_BIAS = 0x1p52 + 1023.0 + 1074.0;

    /* bits < NORMAL or bits >= INFINITE as one comparison, of bits - NORMAL as unsigned numbers;
       AVX2 compares signed ones only, hence the offset LEAST. */
    if (UNLIKELY(any((bits - NORMAL + LEAST) >= LEAST + (INFINITE - NORMAL)))) {
        vi64 zero = (bits & ~LEAST) == 0;
        vf64 pole = -1.0 / (zero ? ABS(x) : 1.0); /* -inf and divide for zero */
        vf64 root = SQRT(bits < 0 ? x : 1.0);     /* nan and invalid for a negative x */
        vf64 special = bits >= INFINITE ? x : zero ? pole : root;
        vi64 positive = (bits > 0) & (bits < INFINITE);
        /* A subnormal's significand is x * 2**1074; as an integer it survives flush-to-zero. */
        vi64 subnormal = bits < NORMAL;
        vf64 integer = AS(vf64, (bits & 0x000fffffffffffff) | 0x4330000000000000) - 0x1p52;
        vf64 result = log_of_bits_f64(subnormal ? AS(vi64, integer) : bits,
                                      subnormal ? SUBNORMAL_BIAS : BIAS);
        return positive ? result : special;
    }
    return log_of_bits_f64(bits, BIAS);
}
#endif

#if LANE > 1
/* As log_of_bits_f64: log(x * 2**(127 + 2**23 - bias)). */
INLINE vf32 log_of_bits_f32(vi32 bits, vf32 bias) {
    vu32 carried = AS(vu32, bits) + (0x3f800000 - 0x3f3504f3);
    vf32 m = AS(vf32, (carried & 0x007fffff) + 0x3f3504f3);
    vf32 k = AS(vf32, (carried >> 23) | 0x4b000000) - bias;

    vf32 f = m - 1.0f;
    vf32 half = f * 0.5f;
    vf32 head = FMA(-half, f, f), head_low = FMA(-half, f, f - head);

    vf32 f2 = f * f;
    vf32 p = fma_f32(-0x1.2a6f78p-4f, f, 0x1.015974p-3f);
    p = fma_f32(p, f2, fma_f32(-0x1.0e96ccp-3f, f, 0x1.239ce2p-3f));
    p = fma_f32(p, f2, fma_f32(-0x1.5466fep-3f, f, 0x1.99944ep-3f));
    p = fma_f32(p, f2, fma_f32(-0x1.000234p-2f, f, 0x1.55557p-2f));

    const vf32 LN2_HIGH = 0x1.62e4p-1f, LN2_LOW = 0x1.7f7d1cp-20f; /* 16, 24 bits */
    vf32 sum = FMA(k, LN2_HIGH, head), sum_low = FMA(k, LN2_HIGH, -sum) + head;
    vf32 low = FMA(f * f2, p, FMA(k, LN2_LOW, head_low));
    return sum + (sum_low + low);
}

INLINE vf32 log_f32(vf32 x) {
    vi32 bits = AS(vi32, x);
    const int NORMAL = 0x00800000, INFINITE = 0x7f800000, LEAST = ~0x7fffffff;
    const vf32 BIAS = 0x1p23f + 127.0f, SUBNORMAL_BIAS = 0x1p23f + 127.0f + 149.0f;

    if (UNLIKELY(any((bits - NORMAL + LEAST) >= LEAST + (INFINITE - NORMAL)))) {
        vi32 zero = (bits & ~LEAST) == 0;
        vf32 pole = -1.0f / (zero ? ABS(x) : 1.0f);
        vf32 root = SQRT(bits < 0 ? x : 1.0f);
        vf32 special = bits >= INFINITE ? x : zero ? pole : root;
        vi32 positive = (bits > 0) & (bits < INFINITE);
        vi32 subnormal = bits < NORMAL;
        vf32 integer = AS(vf32, (bits & 0x007fffff) | 0x4b000000) - 0x1p23f; /* x * 2**149 */
        vf32 result = log_of_bits_f32(subnormal ? AS(vi32, integer) : bits,
                                      subnormal ? SUBNORMAL_BIAS : BIAS);
        return positive ? result : special;
    }
    return log_of_bits_f32(bits, BIAS);
}
#endif

#endif
