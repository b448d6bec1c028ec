/* The natural logarithm as a sum of two, for gamma.h and gammaln.h.

   x = 2**k m with 23/32 <= m < 23/16, and c, of 7 bits, near 1 / m, from a table of 8 (Tang,
   "Table-driven implementation of the logarithm function in IEEE floating-point arithmetic", ACM
   TOMS 16 (1990), with the register file for the table):

       log x = k ln 2 - log c + log(1 + r),    1 + r = m c,    |r| <= 1/16.

   m c is taken exactly as a sum of two.  With s = r / (2 + r), log(1 + r) = 2 s + s z P(z) for
   z = s**2; what the division misses is (r - s (2 + r)) / (2 + r), exact in two FMAs.
   k ln 2 - log c is exact in its high part, of 42 bits after the point (float32: 16), and where it
   is 0, near x = 1, so is the low part.  s z P(z) is at most 2**-15.6, or s**2 / 3 of 2 s, and its
   few roundings limit the accuracy: 2**-67, or 2**-62 of log x if that is less (float32: 2**-38,
   2**-33).  The low part is below 2**-10 of the high one.

   Tables and coefficients: gamma.py. */

#ifndef CPNUM_LOG_PAIR_H
#define CPNUM_LOG_PAIR_H

#include "fma.h"
#include "lookup.h"

#if LANE == 8
TABLE(double, log_pair_table_f64, 3) = {
    {0x1.54p0, 0x1.3cp0, 0x1.24p0, 0x1.1p0, 0x1p0, 0x1.c8p-1, 0x1.98p-1, 0x1.74p-1},
    {-0x1.22941fbcf8p-2, -0x1.af3c94e80cp-3, -0x1.0d77e7cd08p-3, -0x1.f0a30c0118p-5, 0.0,
     0x1.da72763844p-4, 0x1.d1037f2656p-3, 0x1.4718dc271cp-2},
    {0x1.a6976f5eb0963p-44, 0x1.a4e633fcd9066p-52, -0x1.cb2cd2ee2f482p-44, 0x1.d599e83368e91p-45,
     0.0, 0x1.a89401fa71733p-46, -0x1.84a7e75b6f6e4p-47, 0x1.06c18fb4c14c5p-44},
};

typedef struct {
    vf64 high, low;
} pair_f64;

/* log(x 2**(0x1p52 + 1024.0 - bias)), from the bits of a normal positive x. */
INLINE pair_f64 log_pair_f64(vi64 bits, vf64 bias) {
    vu64 moved = AS(vu64, bits) + ((1024L << 52) - 0x3fe7000000000000);
    vf64 m = AS(vf64, (moved & 0x000fffffffffffff) + 0x3fe7000000000000);
    vf64 k = AS(vf64, (moved >> 52) | 0x4330000000000000) - bias;
    columns_f64 columns = choose_f64(AS(vi64, moved >> 49), ADDRESS(log_pair_table_f64));
    vf64 c = lookup_f64(columns, 0);
    vf64 product = m * c, product_low = FMA(m, c, -product), above_one = product - 1.0;
    vf64 r = above_one + product_low, r_low = product_low - (r - above_one);
    NEW_BLOCK;
    vf64 reciprocal = 1.0 / (r + 2.0), s = r * reciprocal, twice = s + s, z = s * s;
    vf64 missed = FMA(-s, r, r - twice); /* r - s (2 + r) */
    missed += fma_f64(r * r_low, -0.5, r_low);
    vf64 p = fma_f64(z, 0x1.752248fe8afb2p-3, 0x1.c71c469f6494fp-3), zz = z * z;
    p = fma_f64(zz, p, fma_f64(z, 0x1.249249267f959p-2, 0x1.99999999998a3p-2));
    p = fma_f64(z, p, 0x1.5555555555555p-1);
    NEW_BLOCK;
    vf64 head = fma_f64(k, 0x1.62e42fefa38p-1, lookup_f64(columns, 1));
    vf64 sum = head + twice, low = (head - sum) + twice;
    low += fma_f64(k, 0x1.ef35793c7673p-45, lookup_f64(columns, 2));
    low = FMA(missed + missed, reciprocal, low);
    return (pair_f64){sum, FMA(s * z, p, low)};
}
#endif

#if LANE > 1
TABLE(float, log_pair_table_f32, 3) = {
    {0x1.54p0f, 0x1.3cp0f, 0x1.24p0f, 0x1.1p0f, 0x1p0f, 0x1.c8p-1f, 0x1.98p-1f, 0x1.74p-1f},
    {-0x1.2294p-2f, -0x1.af4p-3f, -0x1.0d78p-3f, -0x1.f0ap-5f, 0.0f, 0x1.da7p-4f, 0x1.d1p-3f,
     0x1.4718p-2f},
    {-0x1.fbcf7ap-22f, 0x1.b58bfap-18f, 0x1.832f72p-23f, -0x1.86008cp-20f, 0.0f, 0x1.3b1c22p-19f,
     0x1.bf932ap-18f, 0x1.b84e38p-19f},
};

typedef struct {
    vf32 high, low;
} pair_f32;

/* log(x 2**(0x1p23f + 128.0f - bias)), from the bits of a normal positive x. */
INLINE pair_f32 log_pair_f32(vi32 bits, vf32 bias) {
    vu32 moved = AS(vu32, bits) + ((128 << 23) - 0x3f380000);
    vf32 m = AS(vf32, (moved & 0x007fffff) + 0x3f380000);
    vf32 k = AS(vf32, (moved >> 23) | 0x4b000000) - bias;
    columns_f32 columns = choose_f32(AS(vi32, moved >> 20), ADDRESS(log_pair_table_f32));
    vf32 c = lookup_f32(columns, 0);
    vf32 product = m * c, product_low = FMA(m, c, -product), above_one = product - 1.0f;
    vf32 r = above_one + product_low, r_low = product_low - (r - above_one);
    NEW_BLOCK;
    vf32 reciprocal = 1.0f / (r + 2.0f), s = r * reciprocal, twice = s + s, z = s * s;
    vf32 missed = FMA(-s, r, r - twice); /* r - s (2 + r) */
    missed += fma_f32(r * r_low, -0.5f, r_low);
    vf32 p = fma_f32(z, 0x1.99e2cap-2f, 0x1.555554p-1f);
    NEW_BLOCK;
    vf32 head = fma_f32(k, 0x1.62e4p-1f, lookup_f32(columns, 1));
    vf32 sum = head + twice, low = (head - sum) + twice;
    low += fma_f32(k, 0x1.7f7d1cp-20f, lookup_f32(columns, 2));
    low = FMA(missed + missed, reciprocal, low);
    return (pair_f32){sum, FMA(s * z, p, low)};
}
#endif

#endif
