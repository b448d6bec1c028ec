/* arccosh x = log(x + r), r = sqrt(x**2 - 1), for x >= 1.

   As log(1 + h) with h = (x - 1) + r, where nothing cancels: x - 1 is exact, x**2 - 1 the product
   of x - 1 and x + 1 as a sum of two floats, and so are r and h (compare arcsinh.h).

   The slow path takes 1, where r is 0 and has no reciprocal, and what is below; and from 2**500
   (float32: 2**40) on arccosh x = log x + ln 2.

   Measured: float64 0.709 ULP (2 10**6 random points and a search around the worst), float32
   0.751 (all numbers). */

#ifndef CPNUM_ARCCOSH_H
#define CPNUM_ARCCOSH_H

#include "logarithm_f32.h"
#include "logarithm_fast.h"

#if LANE == 8
INLINE vf64 arccosh_of_f64(vf64 x) {
    vf64 below = x - 1.0, above = x + 1.0, above_low = 1.0 - (above - x);
    vf64 product = below * above;
    vf64 product_low = FMA(below, above_low, FMA(below, above, -product));
    vf64 root = SQRT(product);
    vf64 root_low = (FMA(-root, root, product) + product_low) * (0.5 / root);
    vf64 high = root + below;
    pair_f64 log = log1p_of_two_f64((pair_f64){high, (below - (high - root)) + root_low});
    return log.high + log.low;
}
#endif

#if LANE > 1
/* With w = x - 1, x**2 - 1 is w**2 + 2 w.  What the root misses is remainder / (2 r), for
   which 1 / (2 r) from the bits of r, within 1/8, will do.  Where w > 2 product_low is inexact, and
   counts no more. */
INLINE vf32 arccosh_of_f32(vf32 x) {
    vf32 below = x - 1.0f, twice = below + below;
    vf32 product = FMA(below, below, twice), product_low = FMA(below, below, twice - product);
    vf32 root = SQRT(product), remainder = FMA(-root, root, product) + product_low;
    vf32 half_reciprocal = AS(vf32, 0x7e7311c7 - AS(vi32, root));
    vf32 high = root + below;
    return log1p_by_table_f32(high, FMA(remainder, half_reciprocal, below - (high - root)));
}
#endif

#define TEMPLATE "arccosh.h"
#include "real.h"

#if LANE == 8
/* With w = x - 1 it is log1p of w + sqrt(w**2 + 2 w), whose root is a single float: 0.75 ULP, and
   log1p_fast_of's in logarithm_fast.h.  The sum rounded as well makes 3.86.

   Measured: float64 3.60 ULP (10**8 points and climbing). */
INLINE vf64 arccosh_fast_of_f64(vf64 x) {
    vf64 below = x - 1.0, root = SQRT(FMA(below, below, below + below));
    vf64 sum = below + root, low = below - (sum - root);
    return log1p_fast_of_f64(sum, &low);
}

INLINE vf64 arccosh_fast_f64(vf64 x) { return arccosh_by_f64(x, arccosh_fast_of_f64); }
#endif

#elif defined(REAL)

INLINE V NAME(arccosh_by)(V x, V (*of)(V)) {
    I bits = AS(I, x);
    if (UNLIKELY(any(OUTSIDE(bits, ONE + 1, LARGE)))) {
        I large = bits >= LARGE, finite = bits < INFINITE, least = bits <= ONE;
        NAME(split) part = NAME(split_of)(large & finite ? x : R(1.0));
        V log_2x = NAME(log_of)(part.k + R(1.0), part.f, part.above);
        V result = of(large | least ? R(2.0) : x);
        V root = SQRT(least ? x - R(1.0) : R(0.0)); /* 0, or nan and invalid */
        return least ? root : finite ? large ? log_2x : result : x;
    }
    return of(x);
}

INLINE V NAME(arccosh)(V x) { return NAME(arccosh_by)(x, NAME(arccosh_of)); }

#endif
