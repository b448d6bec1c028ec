/* Cosine: cos(x) = sin(x + pi/2), so one more than the quadrant of |x|; the number that rounds to
   integers adds that 1 itself.  Even by construction; cos(0) = 1 and cos(pi) = -1 exactly.
   Method, error argument and sources are in trigonometric.h.

   Measured: float64 <= 0.77 ULP (sampled), float32 <= 0.76 ULP (all 2**32 inputs).
   inf gives nan with `invalid` (inf - inf in the reduction), nan gives nan without. */

#ifndef CPNUM_COS_H
#define CPNUM_COS_H

#include "trigonometric.h"

#if LANE == 8
INLINE vf64 cos_f64(vf64 x) {
    return sine_f64(reduce_f64(ABS(x), 0x1.8000000000001p52), (vu64)0ul);
}
#endif

INLINE vf32 cos_f32(vf32 x) {
    return sine_f32(reduce_f32(ABS(x), 0x1.800002p23f), (vu32)0u);
}

#endif
