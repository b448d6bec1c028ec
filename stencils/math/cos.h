/* Cosine: cos(x) = sin(x + pi/2), so one more than the quadrant of |x|; the number that rounds to
   integers adds that 1 itself.  Even by construction; cos(0) = 1 and cos(pi) = -1 exactly.
   Method, error argument and sources are in trigonometric.h.

   Measured: float64 <= 0.77 ULP (sampled), float32 <= 0.76 ULP (all 2**32 inputs).
   inf gives nan with `invalid` (inf - inf in the reduction), nan gives nan without.

   cos_fast: n = floor(|x| / pi) + 1/2, and -r for the sign; measured 3.05 ULP, float32 1.82. */

#ifndef CPNUM_COS_H
#define CPNUM_COS_H

#include "sin.h"

#define COSINE_SHIFT_f64 0x1.8000000000001p52
#define COSINE_SHIFT_f32 0x1.800002p23f

/* A sum with this number is in fixed point; so many bits are its fraction. */
#define FIXED_POINT_f64 0x1.8p32
#define FIXED_POINT_f32 0x1.8p14f
#define FRACTION_f64 20
#define FRACTION_f32 9

#define TEMPLATE "cos.h"
#include "real.h"

#elif defined(REAL)

INLINE V NAME(cos)(V x) { return NAME(sine)(NAME(reduce)(ABS(x), NAME(COSINE_SHIFT)), (U){}); }

/* floor: |x| / pi in fixed point, without its fraction. */
INLINE V NAME(cosine_near)(V x) {
    V fixed = FMA(x, NAME(INVERSE_PI), (V)NAME(FIXED_POINT));
    U floor = AS(U, fixed) >> NAME(FRACTION) << NAME(FRACTION);
    V minus = (NAME(FIXED_POINT) - R(0.5)) - AS(V, floor);
    return NAME(with_sign)(NAME(sine_beside)(-x, minus), floor >> (NAME(FRACTION) - 1), (U){});
}

INLINE V NAME(cos_fast)(V x) {
    I large = NAME(large)(x);
    x = ABS(x);
    if (UNLIKELY(any(large))) return large ? NAME(cos)(x) : NAME(cosine_near)(large ? R(0.0) : x);
    return NAME(cosine_near)(x);
}

#endif
