/* Sine and cosine of one argument: one reduction, the sine and the cosine of what remains, and then
   which is which, and the signs.  The operations are those of sin.h and cos.h, so the bits are, too;
   but where these choose the operands of one polynomial in each lane, here both are wanted.

   sincos_fast has the range's test and the constants in common. */

#ifndef CPNUM_SINCOS_H
#define CPNUM_SINCOS_H

#include "cos.h"
#include "sin.h"

#if LANE == 8
typedef struct {
    vf64 first, second;
} sincos_of_f64;

INLINE sincos_of_f64 sincos_f64(vf64 x) {
    reduced_f64 angle = reduce_f64(ABS(x), 0x1.8p52);
    vf64 r = angle.high, t = r * 0.5;
    vf64 sine = r + sine_rest_f64(r, angle.low);
    sum_f64 sum = cosine_of_half_f64(r, t, sine_rest_f64(t, angle.low * 0.5));
    vf64 cosine = sum.head + sum.rest;
    vi64 odd = AS(vi64, (angle.quadrant & 1) != 0);
    return (sincos_of_f64){
        with_sign_f64(odd ? cosine : sine, angle.quadrant, AS(vu64, x)),
        with_sign_f64(odd ? sine : cosine, angle.quadrant + 1, (vu64)0ul),
    };
}

INLINE sincos_of_f64 sincos_fast_f64(vf64 x) {
    vi64 large = large_f64(x);
    if (UNLIKELY(any(large))) {
        sincos_of_f64 full = sincos_f64(x);
        x = large ? (vf64)0.0 : x;
        return (sincos_of_f64){
            large ? full.first : sine_near_f64(x),
            large ? full.second : cosine_near_f64(ABS(x)),
        };
    }
    return (sincos_of_f64){sine_near_f64(x), cosine_near_f64(ABS(x))};
}
#endif

typedef struct {
    vf32 first, second;
} sincos_of_f32;

INLINE sincos_of_f32 sincos_f32(vf32 x) {
    reduced_f32 angle = reduce_f32(ABS(x), 0x1.8p23f);
    vf32 r = angle.high, square = r * r;
    sum_f32 sum = cosine_head_f32(r);
    vf32 p = FMA((vf32)SINE_F32[2], square, (vf32)SINE_F32[1]);
    p = FMA(p, square, (vf32)SINE_F32[0]);
    vf32 sine = r + FMA(square * r, p, angle.low * sum.head);
    p = FMA((vf32)COSINE_F32[2], square, (vf32)COSINE_F32[1]);
    p = FMA(p, square, (vf32)COSINE_F32[0]);
    vf32 cosine = sum.head + FMA(square * square, p, FMA(-angle.low, r, sum.rest));
    vi32 odd = AS(vi32, (angle.quadrant & 1) != 0);
    return (sincos_of_f32){
        with_sign_f32(odd ? cosine : sine, angle.quadrant, AS(vu32, x)),
        with_sign_f32(odd ? sine : cosine, angle.quadrant + 1, (vu32)0u),
    };
}

INLINE sincos_of_f32 sincos_fast_f32(vf32 x) {
    vi32 large = large_f32(x);
    if (UNLIKELY(any(large))) {
        sincos_of_f32 full = sincos_f32(x);
        x = large ? (vf32)0.0f : x;
        return (sincos_of_f32){
            large ? full.first : sine_near_f32(x),
            large ? full.second : cosine_near_f32(ABS(x)),
        };
    }
    return (sincos_of_f32){sine_near_f32(x), cosine_near_f32(ABS(x))};
}

#endif
