/* What the fast versions of log2, log10 and the inverse hyperbolic functions share: a logarithm
   without a division, to 2 ULP.  For float64: in float32 logarithm_f32.h is no slower.

   x = 2**k m with 91/128 <= m < 91/64, and c near 1 / m from a table of 8, 1 for m around 1 (Tang,
   "Table-driven implementation of the logarithm function in IEEE floating-point arithmetic", ACM
   TOMS 16 (1990), with the register file for the table):

       log x = k ln 2 + log m,    log m = -log c + log(1 + r),    r = m c - 1,    |r| < 0.0572.

   Each term is a single float; c is such that -log c misses less than 2**-3 ULP.  With c = 1, r is
   exact and nothing but the polynomial is left: its error is 0.7 ULP at most, and the relative
   accuracy is kept near x = 1.  Elsewhere r, its sum with -log c and that with the polynomial
   round, 1/2 ULP of log m each at most: 2 ULP.  What the functions add rounds once or twice more.

   1 + x has 1 + x rounded in place of x, and what that misses, brought to the scale of m, times c
   added to r.

   Tables and coefficients: logarithm.sollya. */

#ifndef CPNUM_LOGARITHM_FAST_H
#define CPNUM_LOGARITHM_FAST_H

#include "exponent.h"
#include "logarithm.h"
#include "lookup.h"

#if LANE == 8
/* c, -log c */
TABLE(double, log_fast_table_f64, 2) = {
    {0x1.59p0, 0x1.3e2cp0, 0x1.274p0, 0x1.132cp0, 0x1p0, 0x1.cdbp-1, 0x1.9e7p-1, 0x1.786p-1},
    {-0x1.31871c9544185p-2, -0x1.bd43b2a858c61p-3, -0x1.2423113ba50e3p-3, -0x1.27ce8ab16829fp-4,
     0.0, 0x1.a7ace514bab38p-4, 0x1.b0f3c3fbd65cap-3, 0x1.3b1fd66bc8d0fp-2},
};
/* The bits of the least m, and what those of x are moved by, so that k is in their exponent. */
#define LOG_FAST_LEAST 0x3fe6c00000000000
#define LOG_FAST_MOVE (0x3ff0000000000000 - LOG_FAST_LEAST)

/* log(1 + r) + t */
INLINE vf64 log_fast_sum_f64(vf64 r, vf64 t) {
    vf64 z = r * r;
    vf64 even = fma_f64(z, -0x1.9c9baba470db4p-4, -0x1.fffd9098e084fp-4);
    vf64 odd = fma_f64(z, 0x1.ca1808d2d9366p-4, 0x1.24913c0ec9d2p-3);
    even = fma_f64(even, z, -0x1.555555c1aa6edp-3);
    odd = fma_f64(odd, z, 0x1.999999e44936ep-3);
    even = fma_f64(even, z, -0x1.fffffffff1391p-3);
    odd = fma_f64(odd, z, 0x1.55555555521cdp-2);
    even = fma_f64(even, z, -0x1.0000000000002p-1);
    return fma_f64(fma_f64(odd, r, even), z, r + t);
}

/* log(m + missed), for bits moved so that their exponent field is that of 2**k. */
INLINE vf64 log_fast_m_f64(vi64 moved, const vf64 *missed) {
    vf64 m = AS(vf64, (moved & 0x000fffffffffffff) + LOG_FAST_LEAST);
    vi64 column = AS(vi64, AS(vu64, moved) >> 49);
    columns_f64 columns = choose_f64(column, ADDRESS(log_fast_table_f64));
    vf64 c = lookup_f64(columns, 0), r = fma_f64(m, c, -1.0);
    if (missed) r = FMA(*missed, c, r);
    return log_fast_sum_f64(r, lookup_f64(columns, 1));
}

/* Any x: of(k, log m), and the special values of logarithms. */
INLINE vf64 logarithm_fast_f64(vf64 x, vf64 (*of)(vf64 k, vf64 log_m)) {
    vi64 bits = AS(vi64, x);
    /* Those whose moved exponent field would be that of infinity are special as well. */
    if (UNLIKELY(any(OUTSIDE_f64(bits, NORMAL_f64, INFINITE_f64 - LOG_FAST_MOVE)))) {
        positive_f64 p = positive_of_f64(x);
        vi64 moved = AS(vi64, p.x) + LOG_FAST_MOVE;
        vf64 log_m = log_fast_m_f64(moved, 0);
        return p.is ? of(exponent_wide_of(moved) - p.k, log_m) : log_special_f64(x);
    }
    vi64 moved = bits + LOG_FAST_MOVE;
    return of(exponent_of(moved), log_fast_m_f64(moved, 0));
}

/* log(1 + x + low) for 0 <= x < 2**1000; without low, if that is null. */
INLINE vf64 log1p_fast_of_f64(vf64 x, const vf64 *low) {
    vf64 sum = x + 1.0, missed = x - (sum - 1.0);
    if (low) missed += *low;
    vi64 moved = AS(vi64, sum) + LOG_FAST_MOVE;
    missed *= AS(vf64, 0x7fe0000000000000 - (moved & ~0x000fffffffffffff)); /* 2**-k */
    return fma_f64(exponent_of(moved), 0x1.62e42fefa39efp-1, log_fast_m_f64(moved, &missed));
}

#endif

#endif
