/* What arcsin and arccos share.

   With w = x**2 for |x| < 1/2 and w = (1 - |x|) / 2, which is exact, from 1/2 on, the half-angle
   formula arccos |x| = 2 arcsin sqrt((1 - |x|) / 2) leaves one series on 0 <= w <= 1/4,

       arcsin sqrt(w) = sqrt(w) (1 + w P(w)),

   for |x| < 1/2 with sqrt(w) = |x| itself.  (So have it FreeBSD msun and ARM optimized-routines;
   the coefficients are those of arcsine.sollya.)  The angle is returned as head + tail.  Head is
   |x|, or 2 sqrt(w) rounded.  Tail is head * w P(w), at most 0.0472 of the head, and what rounding
   the root s has lost, (w - s**2) / s.  As this is less than half an ULP of the head, the
   reciprocal may be a crude one: the bits of s subtracted from a constant, which is 1 / s to
   within 5.1 percent, and finite for s = 0.

   Error bound, to be added to the last rounding's 0.5 ULP: four roundings in the series' term of
   0.0472, each of at most 2**-53 (2**-24), make 0.19 ULP, the reciprocal 0.03 and P itself 0.01
   (2**-59.9; float32: 0.08, 2**-27.6).

   Beyond |x| = 1 the square root of the negative w gives nan and raises invalid; P, which could
   overflow, gets 0 in its place.  Comparisons are of integers: AArch64 has none of floats that is
   quiet for nan. */

#ifndef CPNUM_ARCSINE_H
#define CPNUM_ARCSINE_H

#include "../vector.h"
#include "fma.h"

#define HALF_PI_f64 ((vf64)0x1.921fb54442d18p0)
#define HALF_PI_LOW_f64 ((vf64)0x1.1a62633145c07p-54)
#define HALF_PI_f32 ((vf32)0x1.921fb6p0f)
#define HALF_PI_LOW_f32 ((vf32)-0x1.777a5cp-25f)

/* The bits that those of s are subtracted from. */
#define RECIPROCAL_BITS_f64 0x7fde620000000000
#define RECIPROCAL_BITS_f32 0x7ef31000

/* P(w), and with one term fewer (2**-55.9; float32: 2**-23.4). */
#if LANE == 8
INLINE vf64 arcsine_polynomial_f64(vf64 w) {
    vf64 w2 = w * w;
    vf64 p = fma_f64(0x1.0b45e9f72d94bp-5, w, -0x1.57fad0dea93ccp-6);
    p = fma_f64(p, w, 0x1.639a894e21126p-6);
    p = FMA(p, w2, fma_f64(0x1.e5fbe88dfeb2cp-9, w, 0x1.613c1e6ed7236p-7));
    p = FMA(p, w2, fma_f64(0x1.75859dad05d9ap-7, w, 0x1.ca1f8af1f0a39p-7));
    p = FMA(p, w2, fma_f64(0x1.1c49f077d5bc7p-6, w, 0x1.6e8bdedebf9dfp-6));
    p = FMA(p, w2, fma_f64(0x1.f1c71a95002fbp-6, w, 0x1.6db6db721247bp-5));
    return FMA(p, w2, fma_f64(0x1.333333332e133p-4, w, 0x1.5555555555577p-3));
}

INLINE vf64 arcsine_fast_polynomial_f64(vf64 w) {
    vf64 w2 = w * w;
    vf64 p = fma_f64(0x1.056d6c8139f23p-5, w, -0x1.09d32833a0d88p-6);
    p = FMA(p, w2, fma_f64(0x1.3ff4a990b2876p-6, w, 0x1.abcf5cd7c44fp-8));
    p = FMA(p, w2, fma_f64(0x1.8ec2fca604435p-7, w, 0x1.c6fdc1aaa5333p-7));
    p = FMA(p, w2, fma_f64(0x1.1c6be1a687738p-6, w, 0x1.6e89f440197a7p-6));
    p = FMA(p, w2, fma_f64(0x1.f1c72c38fb342p-6, w, 0x1.6db6db427a4f8p-5));
    return FMA(p, w2, fma_f64(0x1.333333336e80fp-4, w, 0x1.555555555539p-3));
}
#endif

INLINE vf32 arcsine_polynomial_f32(vf32 w) {
    vf32 w2 = w * w;
    vf32 p = fma_f32(0x1.5959aap-5f, w, 0x1.8c415ap-6f);
    p = FMA(p, w2, fma_f32(0x1.747b72p-5f, w, 0x1.330206p-4f));
    return fma_f32(p, w, 0x1.5555c8p-3f);
}

INLINE vf32 arcsine_fast_polynomial_f32(vf32 w) {
    vf32 w2 = w * w;
    vf32 p = fma_f32(0x1.993a88p-5f, w, 0x1.47f5c4p-5f);
    return FMA(p, w2, fma_f32(0x1.34dc56p-4f, w, 0x1.554fa2p-3f));
}

#define TEMPLATE "arcsine.h"
#include "real.h"

#elif defined(REAL)

typedef struct {
    V head, tail;
    I small; /* |x| < 1/2 */
} NAME(angle);

/* arcsin |x| where it is small, else arccos |x|, for magnitude = |x|. */
INLINE NAME(angle) NAME(arcsine)(V magnitude) {
    I small = AS(I, magnitude) < AS(I, R(0.5));
    V w = FMA(small ? magnitude : R(-0.5), magnitude, small ? R(0.0) : R(0.5));
    V root = SQRT(w);
    V reciprocal = AS(V, NAME(RECIPROCAL_BITS) - AS(I, root));
    V lost = FMA(-root, root, w) * reciprocal;
    lost = small ? R(0.0) : lost;
    V head = small ? magnitude : root + root;
    w = AS(V, __builtin_elementwise_max(AS(I, w), (I){})); /* 0 for a negative w */
    V p = NAME(arcsine_polynomial)(w);
    return (NAME(angle)){head, FMA(head * w, p, lost), small};
}

/* Without what the root has lost; the tail is a factor of the head. */
INLINE NAME(angle) NAME(arcsine_fast)(V magnitude) {
    I small = AS(I, magnitude) < AS(I, R(0.5));
    V w = FMA(small ? magnitude : R(-0.5), magnitude, small ? R(0.0) : R(0.5));
    V root = SQRT(w), head = small ? magnitude : root + root;
    w = AS(V, __builtin_elementwise_max(AS(I, w), (I){}));
    return (NAME(angle)){head, w * NAME(arcsine_fast_polynomial)(w), small};
}

#endif
