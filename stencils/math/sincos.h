/* Sine and cosine of one argument: one reduction, the sine and the cosine of what remains, and
   then which is which, and the signs.  The operations are those of sin.h and cos.h, so the bits
   are, too; but where these choose the operands of one polynomial in each lane, here both are
   wanted.

   sincos_fast has the range's test and the constants in common. */

#ifndef CPNUM_SINCOS_H
#define CPNUM_SINCOS_H

#include "cos.h"
#include "sin.h"

/* Of what remains. */
#if LANE == 8
INLINE sincos_of_f64 sincos_reduced_f64(reduced_f64 angle) {
    vf64 r = angle.high, t = r * 0.5;
    vf64 sine = r + sine_rest_f64(r, angle.low);
    sum_f64 sum = cosine_of_half_f64(r, t, sine_rest_f64(t, angle.low * 0.5));
    return (sincos_of_f64){sine, sum.head + sum.rest};
}
#endif

INLINE sincos_of_f32 sincos_reduced_f32(reduced_f32 angle) {
    vf32 r = angle.high, square = r * r;
    sum_f32 sum = cosine_head_f32(r);
    vf32 p = FMA((vf32)SINE_F32[2], square, (vf32)SINE_F32[1]);
    p = FMA(p, square, (vf32)SINE_F32[0]);
    vf32 sine = r + FMA(square * r, p, angle.low * sum.head);
    p = FMA((vf32)COSINE_F32[2], square, (vf32)COSINE_F32[1]);
    p = FMA(p, square, (vf32)COSINE_F32[0]);
    vf32 cosine = sum.head + FMA(square * square, p, FMA(-angle.low, r, sum.rest));
    return (sincos_of_f32){sine, cosine};
}

#define TEMPLATE "sincos.h"
#include "real.h"

#elif defined(REAL)

INLINE NAME(sincos_of) NAME(sincos)(V x) {
    NAME(reduced) angle = NAME(reduce)(ABS(x), SHIFT);
    NAME(sincos_of) of = NAME(sincos_reduced)(angle);
    I odd = AS(I, (angle.quadrant & 1) != 0);
    return (NAME(sincos_of)){
        NAME(with_sign)(odd ? of.second : of.first, angle.quadrant, AS(U, x)),
        NAME(with_sign)(odd ? of.first : of.second, angle.quadrant + 1, (U){}),
    };
}

INLINE NAME(sincos_of) NAME(sincos_fast)(V x) {
    I large = NAME(large)(x);
    if (UNLIKELY(any(large))) {
        NAME(sincos_of) full = NAME(sincos)(x);
        x = large ? R(0.0) : x;
        return (NAME(sincos_of)){
            large ? full.first : NAME(sine_near)(x),
            large ? full.second : NAME(cosine_near)(ABS(x)),
        };
    }
    return (NAME(sincos_of)){NAME(sine_near)(x), NAME(cosine_near)(ABS(x))};
}

#endif
