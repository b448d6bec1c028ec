/* Sine and cosine of one argument, of one reduction: the bits of sin.h and cos.h. */

#ifndef CPNUM_SINCOS_H
#define CPNUM_SINCOS_H

#include "trigonometric.h"

#if LANE == 8
typedef struct {
    vf64 first, second;
} sincos_of_f64;

INLINE sincos_of_f64 sincos_f64(vf64 x) {
    reduced_f64 angle = reduce_f64(ABS(x), 0x1.8p52), next = angle;
    next.quadrant += 1;
    return (sincos_of_f64){sine_f64(angle, AS(vu64, x)), sine_f64(next, (vu64)0ul)};
}
#endif

typedef struct {
    vf32 first, second;
} sincos_of_f32;

INLINE sincos_of_f32 sincos_f32(vf32 x) {
    reduced_f32 angle = reduce_f32(ABS(x), 0x1.8p23f), next = angle;
    next.quadrant += 1;
    return (sincos_of_f32){sine_f32(angle, AS(vu32, x)), sine_f32(next, (vu32)0u)};
}

#endif
