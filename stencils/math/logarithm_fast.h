/* What the fast versions of log2, log10 and the inverse hyperbolic functions share: a logarithm
   without a division, to 2 ULP.

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

#if LANE > 1
#if LANE == 8
/* c, -log c */
TABLE(double, log_fast_table_f64, 2) = {
    {0x1.59p0, 0x1.3e2cp0, 0x1.274p0, 0x1.132cp0, 0x1p0, 0x1.cdbp-1, 0x1.9e7p-1, 0x1.786p-1},
    {-0x1.31871c9544185p-2, -0x1.bd43b2a858c61p-3, -0x1.2423113ba50e3p-3, -0x1.27ce8ab16829fp-4,
     0.0, 0x1.a7ace514bab38p-4, 0x1.b0f3c3fbd65cap-3, 0x1.3b1fd66bc8d0fp-2},
};
#define LOG_FAST_LEAST_f64 (vi64)0x3fe6c00000000000 /* the bits of the least m */
#define LOG_FAST_COLUMN_f64 49
#define LOG_FAST_LN2_f64 ((vf64)0x1.62e42fefa39efp-1)

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
#endif

TABLE(float, log_fast_table_f32, 2) = {
    {0x1.58e8p0f, 0x1.3e1p0f, 0x1.2778p0f, 0x1.137p0f, 0x1p0f, 0x1.cd4p-1f, 0x1.9efp-1f,
     0x1.78ep-1f},
    {-0x1.313fdep-2f, -0x1.bc8f7p-3f, -0x1.25a75ep-3f, -0x1.2bc24p-4f, 0.0f, 0x1.ab8f02p-4f,
     0x1.ae7b9ep-3f, 0x1.39c3d2p-2f},
};
#define LOG_FAST_LEAST_f32 (vi32)0x3f360000
#define LOG_FAST_COLUMN_f32 20
#define LOG_FAST_LN2_f32 ((vf32)0x1.62e43p-1f)

INLINE vf32 log_fast_sum_f32(vf32 r, vf32 t) {
    vf32 p = fma_f32(r, 0x1.9af794p-3f, -0x1.00b3cep-2f);
    p = fma_f32(p, r, 0x1.555526p-2f);
    p = fma_f32(p, r, -0x1.ffffdap-2f);
    return fma_f32(fma_f32(p, r, 1.0f), r, t);
}

#define TEMPLATE "logarithm_fast.h"
#include "real.h"
#endif

#elif defined(REAL)

/* log(m + missed), for bits moved so that their exponent field is that of 2**k. */
INLINE V NAME(log_fast_m)(I moved, const V *missed) {
    V m = AS(V, (moved & (NORMAL - 1)) + NAME(LOG_FAST_LEAST));
    I column = AS(I, AS(U, moved) >> NAME(LOG_FAST_COLUMN));
    NAME(columns) columns = NAME(choose)(column, ADDRESS(NAME(log_fast_table)));
    V c = NAME(lookup)(columns, 0), r = FMA(m, c, R(-1.0));
    if (missed)
        r = FMA(*missed, c, r);
    return NAME(log_fast_sum)(r, NAME(lookup)(columns, 1));
}

/* Any x: of(k, log m), and the special values of logarithms. */
INLINE V NAME(logarithm_fast)(V x, V (*of)(V k, V log_m)) {
    const I MOVE = ONE - NAME(LOG_FAST_LEAST);
    I bits = AS(I, x);
    /* Those whose moved exponent field would be that of infinity are special as well. */
    if (UNLIKELY(any((bits - NORMAL + SIGN) >= SIGN + (INFINITE - MOVE - NORMAL)))) {
        NAME(positive) p = NAME(positive_of)(x);
        I moved = AS(I, p.x) + MOVE;
        V log_m = NAME(log_fast_m)(moved, 0);
        return p.is ? of(exponent_wide_of(moved) - p.k, log_m) : NAME(log_special)(x);
    }
    I moved = bits + MOVE;
    return of(exponent_of(moved), NAME(log_fast_m)(moved, 0));
}

/* log(1 + x + low) for 0 <= x < 2**1000 (float32: 2**120); without low, if that is null. */
INLINE V NAME(log1p_fast_of)(V x, const V *low) {
    V sum = x + R(1.0), missed = x - (sum - R(1.0));
    if (low)
        missed += *low;
    I moved = AS(I, sum) + (ONE - NAME(LOG_FAST_LEAST));
    missed *= AS(V, ONE + ONE - (moved & ~(NORMAL - 1))); /* 2**-k */
    return FMA(exponent_of(moved), NAME(LOG_FAST_LN2), NAME(log_fast_m)(moved, &missed));
}

#endif
