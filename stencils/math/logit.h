/* logit p = log(p / (1 - p)): with x = |2 p - 1| it is log((1 + x) / (1 - x)), of odds.h, with the
   sign of 2 p - 1.

   w = 1 - x is twice the smaller of p and 1 - p, which is exact: for p < 1/2 it is p, and above
   1 - p is.  Around 1/2 x is exact, and the result keeps its relative accuracy.

   Below 2**-52 (float32: 2**-23) logit p = log p, up to p, which is less than 2**-57 of it.  As
   SciPy's, it raises no flag: 0 gives -inf, 1 gives inf, what is not between them nan.

   Measured: float64 0.559 ULP (2 10**6 random points and a search around the worst), float32
   0.773 (all numbers). */

#ifndef CPNUM_LOGIT_H
#define CPNUM_LOGIT_H

#include "logarithm_f32.h"
#include "logarithm_fast.h"
#include "odds.h"

#define LOGIT_SMALL_f64 (vi64)0x3cb0000000000000 /* 2**-52 */
#define LOGIT_SMALL_f32 (vi32)0x34000000         /* 2**-23 */

#if LANE == 8
INLINE vf64 logit_of_f64(vf64 x) {
    vf64 other = 1.0 - x;
    vi64 upper = AS(vi64, x) >= AS(vi64, other);
    vf64 less = upper ? other : x, w = less + less;
    vf64 t = 1.0 - w, t_low = (1.0 - t) - w;
    vf64 result = log_of_ratio_f64(t, &t_low, w, 0);
    return upper ? result : -result;
}
#endif

#if LANE > 1
/* log(1 + h), h = (1 - 2 q) / q as a sum of two, by the remainder of the division, q the smaller of
   p and 1 - p. */
INLINE vf32 logit_of_f32(vf32 x) {
    vf32 other = 1.0f - x;
    vi32 upper = AS(vi32, x) >= AS(vi32, other);
    vf32 less = upper ? other : x, w = less + less;
    vf32 t = 1.0f - w, t_low = (1.0f - t) - w, h = t / less;
    vf32 remainder = FMA(-h, less, t) + t_low;
    vf32 low = FMA(remainder, h, remainder + remainder); /* 1 / q = 2 + h */
    vf32 result = log1p_by_table_f32(h, low);
    return upper ? result : -result;
}
#endif

#define TEMPLATE "logit.h"
#include "real.h"

#if LANE == 8
/* log(1 + h) for the single float h = (1 - 2 q) / q, q the smaller of p and 1 - p: around 1/2 both
   parts of it are exact.  1 ULP, and log1p_fast_of's in logarithm_fast.h.

   Measured: float64 3.21 ULP (6 10**5 points and climbing). */
INLINE vf64 logit_fast_of_f64(vf64 x) {
    vf64 other = 1.0 - x;
    vi64 upper = AS(vi64, x) >= AS(vi64, other);
    vf64 less = upper ? other : x;
    vf64 result = log1p_fast_of_f64((1.0 - (less + less)) / less, 0);
    return upper ? result : -result;
}

INLINE vf64 logit_fast_f64(vf64 x) { return logit_by_f64(x, logit_fast_of_f64); }
#endif

#elif defined(REAL)

INLINE V NAME(logit_by)(V x, V (*of)(V)) {
    const I SMALL = NAME(LOGIT_SMALL);
    I bits = AS(I, x);
    if (UNLIKELY(any(OUTSIDE(bits, SMALL, ONE)))) {
        I inside = (bits >= SMALL) & (bits < ONE);
        NAME(positive) p = NAME(positive_of)(x);
        NAME(split) part = NAME(split_of)(p.x);
        V log_x = NAME(log_of)(part.k - p.k, part.f, part.above);
        V infinity = AS(V, INFINITE), nan = AS(V, INFINITE | (NORMAL >> 1));
        V special = (bits & ~SIGN) == 0 ? -infinity : bits == ONE ? infinity : nan;
        V near_half = of(inside ? x : R(0.5));
        return inside ? near_half : (bits > 0) & (bits < SMALL) ? log_x : special;
    }
    return of(x);
}

INLINE V NAME(logit)(V x) { return NAME(logit_by)(x, NAME(logit_of)); }

#endif
