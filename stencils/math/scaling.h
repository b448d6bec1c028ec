/* ldexp, x * 2**n rounded once, and frexp, the x of ldexp between 1/2 and 1 and its n.  As C has
   them: zeros, infinities and nan stay as they are, with 0 for n. */

#ifndef CPNUM_SCALING_H
#define CPNUM_SCALING_H

#include "../vector.h"
#include "exponent.h"

/* The instructions for it (Intel SDM vol. 2C, VSCALEF and VGETMANT).  A large n that float32
   rounds is large still.  The operand 2 asks for significands between 1/2 and 1 with x's sign. */
#if X86_512
#define SCALE_f64(x, n) __builtin_ia32_scalefpd512_mask(x, n, (vf64){}, -1, 4)
#define SIGNIFICAND_f64(x) __builtin_ia32_getmantpd512_mask(x, 2, (vf64){}, -1, 4)
#if LANE == 8
#define SCALE_f32(x, n) __builtin_ia32_scalefps256_mask(x, n, (vf32){}, -1)
#define SIGNIFICAND_f32(x) __builtin_ia32_getmantps256_mask(x, 2, (vf32){}, -1)
#else
#define SCALE_f32(x, n) __builtin_ia32_scalefps512_mask(x, n, (vf32){}, -1, 4)
#define SIGNIFICAND_f32(x) __builtin_ia32_getmantps512_mask(x, 2, (vf32){}, -1, 4)
#endif
#endif

#define TEMPLATE "scaling.h"
#include "real.h"

#elif defined(REAL)

typedef struct {
    V first;
    vi32 second;
} NAME(scaled_of);

/* Whether x is 0, infinite or nan. */
INLINE I NAME(has_no_exponent)(V x) {
    I size = AS(I, x) & ~SIGN;
    return (size == 0) | (size >= INFINITE);
}

#if X86_512
INLINE V NAME(ldexp)(V x, vi32 n) { return NAME(SCALE)(x, CONVERT(V, n)); }

INLINE NAME(scaled_of) NAME(frexp)(V x) {
    I none = NAME(has_no_exponent)(x);
    V number = none ? R(0.5) : x;
    vi32 exponent = CONVERT(vi32, NAME(EXPONENT)(number) + R(1.0));
    return (NAME(scaled_of)){none ? x : NAME(SIGNIFICAND)(number), exponent};
}
#else
/* A number below the normal ones times 2**(DIGITS + 2), which is exact; any other times 1, which
   raises invalid for a signalling nan. */
INLINE V NAME(normal_of)(V x) {
    I below = (AS(I, x) & ~SIGN) < NORMAL;
    return x * AS(V, ONE + (below ? (I)NORMAL * (DIGITS + 2) : (I){}));
}

/* The exponent of x, whose normal_of is `normal`; that of 1 is 0. */
INLINE I NAME(exponent_in)(V x, V normal) {
    I below = (AS(I, x) & ~SIGN) < NORMAL;
    I exponent = ((AS(I, normal) & ~SIGN) >> DIGITS) - (ONE >> DIGITS);
    return exponent - (below ? (I){} + (DIGITS + 2) : (I){});
}

/* The significand gets an exponent of normal numbers, which is exact, and is multiplied by what is
   left of 2**n, which rounds and raises the flags. */
INLINE V NAME(ldexp)(V x, vi32 n) {
    FLAGS_MATTER
    const vi32 MOST = (vi32)(1 << 13);
    const I BIAS = ONE >> DIGITS, LAST = (INFINITE >> DIGITS) - 1 - BIAS;
    vi32 steps = n < -MOST ? -MOST : n > MOST ? MOST : n;
    V normal = NAME(normal_of)(x);
    I exponent = NAME(exponent_in)(x, normal) + CONVERT(I, steps);
    I within = exponent < 1 - BIAS ? 1 - BIAS : exponent > LAST ? LAST : exponent;
    I left = exponent - within, least = (I){} - (DIGITS + 2);
    left = left < least ? least : left > 1 ? (I){} + 1 : left;
    I bits = (AS(I, normal) & (SIGN | (NORMAL - 1))) | ((within + BIAS) << DIGITS);
    I none = NAME(has_no_exponent)(x);
    return (none ? normal : AS(V, bits)) * AS(V, none ? (I)ONE : (left + BIAS) << DIGITS);
}

INLINE NAME(scaled_of) NAME(frexp)(V x) {
    FLAGS_MATTER
    V normal = NAME(normal_of)(x);
    I none = NAME(has_no_exponent)(x);
    I exponent = none ? (I){} : NAME(exponent_in)(x, normal) + 1;
    I bits = (AS(I, normal) & (SIGN | (NORMAL - 1))) | (ONE - NORMAL);
    return (NAME(scaled_of)){none ? normal : AS(V, bits), CONVERT(vi32, exponent)};
}
#endif

#endif
