/* Cosine: cos(x) = sin(x + pi/2), so one more than the quadrant of |x|; the number that rounds to
   integers adds that 1 itself.  Even by construction; cos(0) = 1 and cos(pi) = -1 exactly.
   Method, error argument and sources are in trigonometric.h.

   Measured: float64 <= 0.77 ULP (sampled), float32 <= 0.76 ULP (all 2**32 inputs).
   inf gives nan with `invalid` (inf - inf in the reduction), nan gives nan without.

   cos_fast: n = floor(|x| / pi) + 1/2, and -r for the sign; measured 3.05 ULP, float32 1.82. */

#ifndef CPNUM_COS_H
#define CPNUM_COS_H

#include "trigonometric.h"

#if LANE == 8
INLINE vf64 cos_f64(vf64 x) {
    return sine_f64(reduce_f64(ABS(x), 0x1.8000000000001p52), (vu64)0ul);
}

/* floor: |x| / pi in fixed point, without the 20 bits of its fraction. */
INLINE vf64 cosine_near_f64(vf64 x) {
    vu64 floor = AS(vu64, FMA(x, (vf64)0x1.45f306dc9c883p-2, (vf64)0x1.8p32)) & ~0xffffful;
    vf64 minus = (0x1.8p32 - 0.5) - AS(vf64, floor);
    return with_sign_f64(sine_beside_f64(-x, minus), floor >> 19, (vu64)0ul);
}

INLINE vf64 cos_fast_f64(vf64 x) {
    vi64 large = large_f64(x);
    x = ABS(x);
    if (UNLIKELY(any(large))) return large ? cos_f64(x) : cosine_near_f64(large ? (vf64)0.0 : x);
    return cosine_near_f64(x);
}
#endif

INLINE vf32 cos_f32(vf32 x) {
    return sine_f32(reduce_f32(ABS(x), 0x1.800002p23f), (vu32)0u);
}

INLINE vf32 cosine_near_f32(vf32 x) {
    vu32 floor = AS(vu32, FMA(x, (vf32)0x1.45f306p-2f, (vf32)0x1.8p14f)) & ~0x1ffu;
    vf32 minus = (0x1.8p14f - 0.5f) - AS(vf32, floor);
    return with_sign_f32(sine_beside_f32(-x, minus), floor >> 8, (vu32)0u);
}

INLINE vf32 cos_fast_f32(vf32 x) {
    vi32 large = large_f32(x);
    x = ABS(x);
    if (UNLIKELY(any(large))) return large ? cos_f32(x) : cosine_near_f32(large ? (vf32)0.0f : x);
    return cosine_near_f32(x);
}

#endif
