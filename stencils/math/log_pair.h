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
#include "logarithm.h"
#include "lookup.h"
#include "pair.h"

/* The bits of 23/32. */
#define LOG_PAIR_LEAST_f64 0x3fe7000000000000
#define LOG_PAIR_LEAST_f32 0x3f380000

/* The bias of a number's own bits. */
#define LOG_PAIR_BIAS_f64 ((vf64)(0x1p52 + 1024.0))
#define LOG_PAIR_BIAS_f32 ((vf32)(0x1p23f + 128.0f))

#if LANE == 8
TABLE(double, log_pair_table_f64, 3) = {
    {0x1.54p0, 0x1.3cp0, 0x1.24p0, 0x1.1p0, 0x1p0, 0x1.c8p-1, 0x1.98p-1, 0x1.74p-1},
    {-0x1.22941fbcf8p-2, -0x1.af3c94e80cp-3, -0x1.0d77e7cd08p-3, -0x1.f0a30c0118p-5, 0.0,
     0x1.da72763844p-4, 0x1.d1037f2656p-3, 0x1.4718dc271cp-2},
    {0x1.a6976f5eb0963p-44, 0x1.a4e633fcd9066p-52, -0x1.cb2cd2ee2f482p-44, 0x1.d599e83368e91p-45,
     0.0, 0x1.a89401fa71733p-46, -0x1.84a7e75b6f6e4p-47, 0x1.06c18fb4c14c5p-44},
};

/* P(z) */
INLINE vf64 log_pair_polynomial_f64(vf64 z) {
    vf64 p = fma_f64(z, 0x1.752248fe8afb2p-3, 0x1.c71c469f6494fp-3), zz = z * z;
    p = fma_f64(zz, p, fma_f64(z, 0x1.249249267f959p-2, 0x1.99999999998a3p-2));
    return fma_f64(z, p, 0x1.5555555555555p-1);
}
#endif

TABLE(float, log_pair_table_f32, 3) = {
    {0x1.54p0f, 0x1.3cp0f, 0x1.24p0f, 0x1.1p0f, 0x1p0f, 0x1.c8p-1f, 0x1.98p-1f, 0x1.74p-1f},
    {-0x1.2294p-2f, -0x1.af4p-3f, -0x1.0d78p-3f, -0x1.f0ap-5f, 0.0f, 0x1.da7p-4f, 0x1.d1p-3f,
     0x1.4718p-2f},
    {-0x1.fbcf7ap-22f, 0x1.b58bfap-18f, 0x1.832f72p-23f, -0x1.86008cp-20f, 0.0f, 0x1.3b1c22p-19f,
     0x1.bf932ap-18f, 0x1.b84e38p-19f},
};

INLINE vf32 log_pair_polynomial_f32(vf32 z) { return fma_f32(z, 0x1.99e2cap-2f, 0x1.555554p-1f); }

#define TEMPLATE "log_pair.h"
#include "real.h"

#elif defined(REAL)

/* log(x 2**(LOG_PAIR_BIAS - bias)), from the bits of a normal positive x. */
INLINE NAME(pair) NAME(log_pair)(I bits, V bias) {
    I moved = bits + (AS(I, R(2.0)) - NAME(LOG_PAIR_LEAST));
    V m = AS(V, (moved & (NORMAL - 1)) + NAME(LOG_PAIR_LEAST));
    V k = AS(V, AS(I, AS(U, moved) >> DIGITS) | TOP) - bias;
    I column = AS(I, AS(U, moved) >> (DIGITS - 3));
    NAME(columns) columns = NAME(choose)(column, ADDRESS(NAME(log_pair_table)));
    V c = NAME(lookup)(columns, 0);
    V product = m * c, product_low = FMA(m, c, -product), above_one = product - R(1.0);
    V r = above_one + product_low, r_low = product_low - (r - above_one);
    NEW_BLOCK;
    V reciprocal = R(1.0) / (r + R(2.0)), s = r * reciprocal, twice = s + s, z = s * s;
    V missed = FMA(-s, r, r - twice); /* r - s (2 + r) */
    missed += NAME(fma)(r * r_low, R(-0.5), r_low);
    V p = NAME(log_pair_polynomial)(z);
    NEW_BLOCK;
    V head = FMA(k, NAME(LN2_HIGH), NAME(lookup)(columns, 1));
    V sum = head + twice, low = (head - sum) + twice;
    low += FMA(k, NAME(LN2_LOW), NAME(lookup)(columns, 2));
    low = FMA(missed + missed, reciprocal, low);
    return (NAME(pair)){sum, FMA(s * z, p, low)};
}

#endif
