/* cosh, float64 and float32.

   Method.  t = |x| = n ln 2 / 4 + r as in exponential.h, and with q = 2**(n/4)

       cosh t = C cosh r + S sinh r,    C, S = (q +- 1/q) / 2.

   What C loses is kept (Fast2Sum; q >= 1/q), and what q misses; not what 1/q misses, which is
   relative to the smaller term: 0.1 ulp.  |S sinh r| is at most 0.0866 C, so that no sum in two
   parts is needed:  result = C + (S sinh r + (lost + C (cosh r - 1))).

   In ulp: 1/2 for the last addition, 0.0625 at most for the roundings of r, of sinh r, of S and of
   the FMA, and 0.1: 0.8.

   The tables are those of exponential.h halved, and the one of 2**(-j/4), with j / 4 added to the
   exponent instead of subtracted.  Large |x|: exp in two steps, as in exp.h, halved.

   Measured maximum: float64 0.758 ulp (at 1.9928) in 4 million points and climbing from the worst;
   float32 0.762 in all of them. */

#ifndef CPNUM_COSH_H
#define CPNUM_COSH_H

#include "exponential.h"

#if LANE == 8
/* 2**(n/4 - 1) and what it misses, and 2**(-n/4 - 1), from tables as in exponential.h. */
typedef struct {
    vf64 power, low, inverse;
} half_powers_f64;

INLINE half_powers_f64 half_powers_of_f64(vi64 n) {
    vf64 power = of_four_f64(n, 0.5, 0x1.f06fe0a31b715p-2, 0x1.ea09e667f3bcdp-2,
                             0x1.ee89f995ad3adp-2);
    vf64 low = of_four_f64(n, 0.0, 0x1.34d754db0abb6p-55, -0x1.3b3efbf5e2228p-54,
                           0x1.c1a7792cb3387p-55);
    vf64 inverse = of_four_f64(n, 0.5, 0x1.ee89f995ad3adp-2, 0x1.ea09e667f3bcdp-2,
                               0x1.f06fe0a31b715p-2);
    return (half_powers_f64){AS(vf64, AS(vi64, power) + (n << 50)), low,
                             AS(vf64, AS(vi64, inverse) - (n << 50))};
}

INLINE vf64 cosh_reduced_f64(vf64 x) {
    quarter_reduced_f64 x_ = reduce_quarter_ln2_f64(x);
    half_powers_f64 h = half_powers_of_f64(x_.n);
    vf64 cosh = h.power + h.inverse, sinh = h.power - h.inverse;
    vf64 lost = fma_f64(h.power, h.low, h.inverse - (cosh - h.power));
    vf64 r = x_.r, square = r * r;
    vf64 odd = fma_f64(square, 0x1.a030c7165a955p-13, 0x1.111110a1843d4p-7);
    vf64 even = fma_f64(square, 0x1.a02f727ae824cp-16, 0x1.6c16c0e3a72ebp-10);
    odd = fma_f64(square, odd, 0x1.5555555557e71p-3);
    even = fma_f64(square, even, 0x1.5555555557fb4p-5);
    odd = fma_f64(r * square, odd, r);
    even = fma_f64(square, even, 0x1.fffffffffffffp-2);
    even = fma_f64(cosh, square * even, lost);
    return cosh + fma_f64(sinh, odd, even);
}

INLINE vf64 cosh_f64(vf64 x) {
    vi64 bits = AS(vi64, x) & 0x7fffffffffffffff;
    vf64 magnitude = AS(vf64, bits);
    if (UNLIKELY(any(bits > 0x4086200000000000))) { /* |x| > 708, or nan */
        vi64 large = bits > 0x4086200000000000;
        vf64 result = cosh_reduced_f64(large ? 0.0 : magnitude);
        result = large ? exp_large_f64(large ? magnitude : 708.0, -1l << 52) : result;
        return bits > 0x7ff0000000000000 ? x : result;
    }
    return cosh_reduced_f64(magnitude);
}
#endif

#if LANE > 1
typedef struct {
    vf32 power, low, inverse;
} half_powers_f32;

INLINE half_powers_f32 half_powers_of_f32(vi32 n) {
    vf32 power = of_four_f32(n, 0.5f, 0x1.f06fe0p-2f, 0x1.ea09e6p-2f, 0x1.ee89fap-2f);
    vf32 low = of_four_f32(n, 0.0f, 0x1.125002p-25f, 0x1.26055cp-26f, -0x1.f9c304p-27f);
    vf32 inverse = of_four_f32(n, 0.5f, 0x1.ee89fap-2f, 0x1.ea09e6p-2f, 0x1.f06fe0p-2f);
    return (half_powers_f32){AS(vf32, AS(vi32, power) + (n << 21)), low,
                             AS(vf32, AS(vi32, inverse) - (n << 21))};
}

INLINE vf32 cosh_reduced_f32(vf32 x) {
    quarter_reduced_f32 x_ = reduce_quarter_ln2_f32(x);
    half_powers_f32 h = half_powers_of_f32(x_.n);
    vf32 cosh = h.power + h.inverse, sinh = h.power - h.inverse;
    vf32 lost = fma_f32(h.power, h.low, h.inverse - (cosh - h.power));
    vf32 r = x_.r, square = r * r;
    vf32 odd = fma_f32(r * square, 0x1.5571d8p-3f, r);
    vf32 even = fma_f32(square, 0x1.557288p-5f, 0x1.fffffep-2f);
    even = fma_f32(cosh, square * even, lost);
    return cosh + fma_f32(sinh, odd, even);
}

INLINE vf32 cosh_f32(vf32 x) {
    vi32 bits = AS(vi32, x) & 0x7fffffff;
    vf32 magnitude = AS(vf32, bits);
    if (UNLIKELY(any(bits > 0x42ae0000))) { /* |x| > 87, or nan */
        vi32 large = bits > 0x42ae0000;
        vf32 result = cosh_reduced_f32(large ? 0.0f : magnitude);
        result = large ? exp_large_f32(large ? magnitude : 87.0f, -1 << 23) : result;
        return bits > 0x7f800000 ? x : result;
    }
    return cosh_reduced_f32(magnitude);
}
#endif

#endif
