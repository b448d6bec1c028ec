/* log10 x = k log10(2) + log(1 + f) / ln 10, for the k and f of logarithm.h; float32 by
   logarithm_f32.h.

   As log2, with k LOG10_2_HIGH exact.  Before the last addition the error is below 0.2 ULP of the
   result (float32: 0.3): where that is a whole number, it is met.

   Measured: float64 0.661 ULP (2 10**6 random points and a search around the worst), float32
   0.767 (all numbers). */

#ifndef CPNUM_LOG10_H
#define CPNUM_LOG10_H

#include "logarithm_f32.h"
#include "logarithm_fast.h"

#define INVERSE_LN10_f64 ((vf64)0x1.bcb7b1526e50ep-2)
#define INVERSE_LN10_LOW_f64 ((vf64)0x1.95355baaafad3p-57)
#define INVERSE_LN10_f32 ((vf32)0x1.bcb7b2p-2f)
#define INVERSE_LN10_LOW_f32 ((vf32)-0x1.5b235ep-27f)
#define LOG10_2_HIGH_f64 ((vf64)0x1.34413509f78p-2) /* 42 bits: k LOG10_2_HIGH is exact */
#define LOG10_2_LOW_f64 ((vf64)0x1.fef311f12b358p-46)
#define LOG10_2_HIGH_f32 ((vf32)0x1.3442p-2f)     /* 16 bits */
#define LOG10_2_MORE_f32 ((vf32)-0x1.511b8ep-17f) /* log10(2) / LOG10_2_HIGH - 1 */
#define LOG10_2_f64 ((vf64)0x1.34413509f79ffp-2)

#if LANE == 8
INLINE vf64 log10_of_f64(vf64 k, vf64 f, vf64 above) {
    vf64 s = f / above;
    parts_f64 log = log_parts_f64(f, s);
    vf64 head = log.head * INVERSE_LN10_f64, low = FMA(log.head, INVERSE_LN10_f64, -head);
    vf64 multiple = k * LOG10_2_HIGH_f64, sum = multiple + head;
    low = FMA(k, LOG10_2_LOW_f64, FMA(log.head, INVERSE_LN10_LOW_f64, low));
    vf64 rest = low + ((multiple - sum) + head);
    return sum + FMA(FMA(s, log.q, log.low), INVERSE_LN10_f64, rest);
}

INLINE vf64 log10_f64(vf64 x) { return logarithm_f64(x, log10_of_f64); }

/* k log10(2) + log m / ln 10 in single floats: logarithm_fast.h, compare log2.h.

   Measured: float64 3.18 ULP (6 10**5 points and climbing). */
INLINE vf64 log10_fast_of_f64(vf64 k, vf64 log_m) {
    return FMA(log_m, INVERSE_LN10_f64, k * LOG10_2_f64);
}

INLINE vf64 log10_fast_f64(vf64 x) { return logarithm_fast_f64(x, log10_fast_of_f64); }
#endif

#if LANE > 1
INLINE vf32 log10_of_f32(vf32 a, vf32 r) {
    vf32 q = fma_f32(r, 0x1.4f4db2p-4f, -0x1.bcd48ep-4f);
    q = fma_f32(q, r, 0x1.287d02p-3f);
    q = fma_f32(q, r, -0x1.bcb7b2p-3f);
    q = FMA(q, r, INVERSE_LN10_LOW_f32);
    vf32 sum = FMA(r, INVERSE_LN10_f32, a), rest = FMA(r, INVERSE_LN10_f32, a - sum);
    return sum + FMA(r, q, FMA(a, LOG10_2_MORE_f32, rest));
}

INLINE vf32 log10_f32(vf32 x) {
    return logarithm_by_table_f32(x, ADDRESS(log10_table_f32), LOG10_2_HIGH_f32, log10_of_f32);
}
#endif

#endif
