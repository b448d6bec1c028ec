/* arctanh x = log((1 + x) / (1 - x)) / 2, odd: odds.h; float32 as log(1 + 2 x / (1 - x)) / 2, with
   the quotient as a sum of two, by the remainder of the division: logarithm_f32.h.

   Measured: float64 0.559 ULP (2 10**6 random points and a search around the worst), float32
   0.776 (all numbers). */

#ifndef CPNUM_ARCTANH_H
#define CPNUM_ARCTANH_H

#include "logarithm_f32.h"
#include "logarithm_fast.h"
#include "odds.h"

#if LANE == 8
INLINE vf64 arctanh_of_f64(vf64 t) {
    vf64 w = 1.0 - t, w_low = (1.0 - w) - t;
    return 0.5 * log_of_ratio_f64(t, 0, w, &w_low);
}
#endif

#if LANE > 1
INLINE vf32 arctanh_of_f32(vf32 t) {
    vf32 w = 1.0f - t, w_low = (1.0f - w) - t;
    vf32 odds = t / w, remainder = FMA(-odds, w_low, FMA(-odds, w, t));
    vf32 low = FMA(remainder, odds, remainder); /* 1 / w = 1 + odds */
    return 0.5f * log1p_by_table_f32(odds + odds, low + low);
}
#endif

#define TEMPLATE "arctanh.h"
#include "real.h"

#if LANE == 8
/* log(1 + h) / 2 for the single float h = 2 x + 2 x (x / (1 - x)): little more than 1/2 ULP as long
   as that matters, and log1p_fast_of's in logarithm_fast.h.

   Measured: float64 3.35 ULP (10**8 points and climbing). */
INLINE vf64 arctanh_fast_of_f64(vf64 t) {
    vf64 twice = t + t;
    return 0.5 * log1p_fast_of_f64(FMA(twice, t / (1.0 - t), twice), 0);
}

INLINE vf64 arctanh_fast_f64(vf64 x) { return arctanh_by_f64(x, arctanh_fast_of_f64); }
#endif

#elif defined(REAL)

INLINE V NAME(arctanh_by)(V x, V (*of)(V)) {
    V t = ABS(x), below = R(1.0) - t;
    if (UNLIKELY(NAME(log_any_special)(below))) {
        I inside = AS(I, t) < ONE;
        V special = -NAME(log_special)(below);
        return COPYSIGN(inside ? of(inside ? t : (V){}) : special, x);
    }
    return COPYSIGN(of(t), x);
}

INLINE V NAME(arctanh)(V x) { return NAME(arctanh_by)(x, NAME(arctanh_of)); }

#endif
