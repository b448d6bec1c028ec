/* float32's logarithms by tables of 16, without a division: log2, log10, log1p.

   x = 2**k m with 1 <= m < 2, and c near 1 / m (Tang, "Table-driven implementation of the logarithm
   function in IEEE floating-point arithmetic", ACM TOMS 16 (1990), with the register file for the
   table):

       log x = k log 2 - log c + log(1 + r),    r = m c - 1,    -1/32 <= r <= 1/16.

   With log 2 = unit (1 + e), unit of 16 bits, a = k unit + t is exact, for a t of as many places.
   c is a number for which -log c is almost t (1 + e), to 2**-31 of c (Gal, "Computing elementary
   functions: a new approach for achieving high accuracy and good performance", LNCS 235 (1986)),
   so that a (1 + e) stands for the first two terms.  For m near 1 c is 1, and for m near 2 it is
   1/2, with t = unit: around x = 1 a is 0, r exact, and the relative accuracy is kept.

   The head of log(1 + r), and a, are added as in Fast2Sum, with what their sum loses; the rest is
   below 2**-8 of the sum.  In ulp of the result: 1/2 for the last addition, up to 1/4 for r, where
   that is not exact and the result small, 1/20 for the polynomial.

   Tables: logarithm_f32.py.  Coefficients: logarithm.sollya. */

#ifndef CPNUM_LOGARITHM_F32_H
#define CPNUM_LOGARITHM_F32_H

#include "exponent.h"
#include "logarithm.h"
#include "sixteen.h"

#if LANE > 1
#define LN2_MORE_f32 ((vf32)0x1.14a114p-19f) /* ln 2 / LN2_HIGH - 1 */

/* c, t */
#define LOG_TABLE(name) static const float __attribute__((aligned(64), may_alias)) name[2][16]
LOG_TABLE(log2_table_f32) = {
    {0x1p0f, 0x1.d9af96p-1f, 0x1.ba6bc8p-1f, 0x1.a87aeap-1f, 0x1.921682p-1f, 0x1.7ade3ap-1f,
     0x1.6b7b36p-1f, 0x1.5afaaep-1f, 0x1.51a73ep-1f, 0x1.424e88p-1f, 0x1.319292p-1f, 0x1.28cc0ep-1f,
     0x1.22b142p-1f, 0x1.13f19cp-1f, 0x1.0929b8p-1f, 0x1p-1f},
    {0.0f, 0x1.cbap-4f, 0x1.af9p-3f, 0x1.14fp-2f, 0x1.65p-2f, 0x1.bcep-2f, 0x1.fa2p-2f,
     0x1.1f62p-1f, 0x1.3382p-1f, 0x1.55dep-1f, 0x1.7d4p-1f, 0x1.92c6p-1f, 0x1.a22p-1f, 0x1.c896p-1f,
     0x1.e606p-1f, 0x1p0f},
};
LOG_TABLE(log10_table_f32) = {
    {0x1p0f, 0x1.d726bcp-1f, 0x1.bbbd98p-1f, 0x1.a3da42p-1f, 0x1.8db452p-1f, 0x1.801bdep-1f,
     0x1.6aa242p-1f, 0x1.5c657p-1f, 0x1.50902cp-1f, 0x1.3ec0bp-1f, 0x1.36bafap-1f, 0x1.27cce6p-1f,
     0x1.1f437ep-1f, 0x1.156c8ep-1f, 0x1.094edap-1f, 0x1p-1f},
    {0.0f, 0x1.27dp-5f, 0x1.fd1p-5f, 0x1.60f8p-4f, 0x1.c16p-4f, 0x1.ff4p-4f, 0x1.32ccp-3f,
     0x1.566cp-3f, 0x1.7528p-3f, 0x1.a584p-3f, 0x1.bc3p-3f, 0x1.e7fcp-3f, 0x1.0104p-2f,
     0x1.1084p-2f, 0x1.246p-2f, 0x1.3442p-2f},
};

typedef struct {
    vf32 a, r;
} log_reduced_f32;

/* A normal positive x. */
INLINE log_reduced_f32 log_reduced_of_f32(vf32 x, const float (*table)[16], vf32 unit) {
    vi32 bits = AS(vi32, x), row = bits >> 19;
#if X86_512 && LANE == 4
    vf32 m = __builtin_ia32_getmantps512_mask(x, 0, (vf32){}, -1, 4);
#elif X86_512
    vf32 m = __builtin_ia32_getmantps256_mask(x, 0, (vf32){}, -1);
#else
    vf32 m = AS(vf32, (bits & 0x007fffff) | 0x3f800000);
#endif
    vf32 a = FMA(exponent_of(bits), unit, one_of_16(table[1], row));
    return (log_reduced_f32){a, fma_f32(m, one_of_16(table[0], row), -1.0f)};
}

/* Any x: of(a, r), and the special values of logarithms. */
INLINE vf32 logarithm_by_table_f32(vf32 x, const float (*table)[16], vf32 unit,
                                   vf32 (*of)(vf32 a, vf32 r)) {
    if (UNLIKELY(log_any_special_f32(x))) {
        positive_f32 p = positive_of_f32(x);
        log_reduced_f32 part = log_reduced_of_f32(p.x, table, unit);
        return p.is ? of(FMA(-p.k, unit, part.a), part.r) : log_special_f32(x);
    }
    log_reduced_f32 part = log_reduced_of_f32(x, table, unit);
    return of(part.a, part.r);
}

/* c 2**127, t */
LOG_TABLE(log1p_table_f32) = {
    {0x1p127f, 0x1.d9381ap126f, 0x1.bc018p126f, 0x1.a2d6fp126f, 0x1.953454p126f, 0x1.7bac86p126f,
     0x1.6ccb7p126f, 0x1.59daf2p126f, 0x1.4b06aap126f, 0x1.3f8476p126f, 0x1.352c18p126f,
     0x1.270f28p126f, 0x1.1e7092p126f, 0x1.12cc82p126f, 0x1.0c44f4p126f, 0x1p126f},
    {0.0f, 0x1.42ap-4f, 0x1.23dp-3f, 0x1.9b5p-3f, 0x1.df18p-3f, 0x1.323p-2f, 0x1.5b2p-2f,
     0x1.91b8p-2f, 0x1.be98p-2f, 0x1.e2d4p-2f, 0x1.0244p-1f, 0x1.1a3p-1f, 0x1.295ep-1f,
     0x1.3e9cp-1f, 0x1.4aecp-1f, 0x1.62e4p-1f},
};

/* log(1 + x + low) for 0 <= x < 2**42, low of a few ulp.

   1 + x is rounded to u, and what that misses, times c / 2**k, is added to r for the polynomial and
   for the sum; what the sum loses is made up from the two apart, so that r's rounding is no error.
   For x near 0 what u misses may be most of x, and low is lost in it: then it does not count. */
INLINE vf32 log1p_by_table_f32(vf32 x, vf32 low) {
    vf32 u = x + 1.0f, missed = (x - (u - 1.0f)) + low;
    vi32 bits = AS(vi32, u), row = bits >> 19;
    const float (*table)[16] = ADDRESS(log1p_table_f32);
    vf32 c = AS(vf32, AS(vi32, one_of_16(table[0], row)) - (bits & 0x7f800000)); /* c / 2**k */
    vf32 a = FMA(exponent_of(bits), LN2_HIGH_f32, one_of_16(table[1], row));
    vf32 r_of_u = fma_f32(u, c, -1.0f), r = FMA(missed, c, r_of_u), z = r * r;
    vf32 q = fma_f32(r, 0x1.825c4ep-3f, -0x1.0013bep-2f);
    q = FMA(q, z, fma_f32(r, 0x1.55584p-2f, -0.5f));
    vf32 sum = a + r, rest = FMA(missed, c, (a - sum) + r_of_u);
    return sum + FMA(z, q, FMA(a, LN2_MORE_f32, rest));
}
#endif

#endif
