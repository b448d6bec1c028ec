/* log2 x = k + log(1 + f) / ln 2, for the k and f of logarithm.h; float32 by logarithm_f32.h.

   float64: the head f - f**2 / 2, kept as a sum of two floats, is multiplied by 1 / ln 2 in two
   parts, and k added to the product with what the sum loses; what rounds is the second term of
   log(1 + f), and the last addition.  A power of two has f = 0, and k is exact; or r = 0, and a is.

   Measured: float64 0.745 ULP (2 10**6 random points and a search around the worst), float32
   0.697 (all numbers). */

#ifndef CPNUM_LOG2_H
#define CPNUM_LOG2_H

#include "logarithm_f32.h"
#include "logarithm_fast.h"

#define INVERSE_LN2_f64 ((vf64)0x1.71547652b82fep+0)
#define INVERSE_LN2_LOW_f64 ((vf64)0x1.777d0ffda0d24p-56)
#define INVERSE_LN2_f32 ((vf32)0x1.715476p+0f)
#define INVERSE_LN2_LOW_f32 ((vf32)0x1.4ae0cp-26f)

#if LANE == 8
INLINE vf64 log2_of_f64(vf64 k, vf64 f, vf64 above) {
    vf64 s = f / above;
    parts_f64 log = log_parts_f64(f, s);
    vf64 head = log.head * INVERSE_LN2_f64, low = FMA(log.head, INVERSE_LN2_f64, -head);
    vf64 sum = k + head, rest = FMA(log.head, INVERSE_LN2_LOW_f64, low) + ((k - sum) + head);
    return sum + FMA(FMA(s, log.q, log.low), INVERSE_LN2_f64, rest);
}

INLINE vf64 log2_f64(vf64 x) { return logarithm_f64(x, log2_of_f64); }

/* k + log m / ln 2 in single floats: logarithm_fast.h.  Within 3.5 ULP: 2 of log m, 1 for the
   quotient at most, 1/2 for the sum.

   Measured: float64 2.83 ULP (6 10**5 points and climbing). */
INLINE vf64 log2_fast_of_f64(vf64 k, vf64 log_m) { return FMA(log_m, INVERSE_LN2_f64, k); }

INLINE vf64 log2_fast_f64(vf64 x) { return logarithm_fast_f64(x, log2_fast_of_f64); }
#endif

#if LANE > 1
INLINE vf32 log2_of_f32(vf32 a, vf32 r) {
    vf32 q = fma_f32(r, 0x1.16d84cp-2f, -0x1.71738ap-2f);
    q = fma_f32(q, r, 0x1.ec74cep-2f);
    q = fma_f32(q, r, -0x1.715476p-1f);
    q = FMA(q, r, INVERSE_LN2_LOW_f32);
    vf32 sum = FMA(r, INVERSE_LN2_f32, a), rest = FMA(r, INVERSE_LN2_f32, a - sum);
    return sum + FMA(r, q, rest);
}

INLINE vf32 log2_f32(vf32 x) {
    return logarithm_by_table_f32(x, ADDRESS(log2_table_f32), 1.0f, log2_of_f32);
}
#endif

#endif
