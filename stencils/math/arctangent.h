/* What arctan and arctan2 share: one reduction and one polynomial.

   arctan(n / d), n, d >= 0, is k pi/4 + arctan(q) by the addition theorem, in three ranges:

       n / d < 0.6015625    k = 0    q = n / d
       up to 2              k = 1    q = (n - d) / (n + d)      n - d is exact (Sterbenz)
       above                k = 2    q = -d / n

   The lower limit is where the middle q reaches -1/4: a rounding of q counts most where the
   result is in [1/2, 1), and there |q| <= 1/4 keeps it to 1/8 ULP.  (Ranges with one division, as
   in fdlibm's s_atan.c; that has five, but with centres other than 1 n - d is not exact.)

   Then arctan(q) = q + q**3 P(q**2), |q| < 0.6016, with the minimax polynomial P of
   arctangent.sollya: relative error of the whole <= 2**-59.2 with 14 coefficients (float64),
   2**-31.9 with 7 (float32). */

#ifndef CPNUM_ARCTANGENT_H
#define CPNUM_ARCTANGENT_H

#include "../vector.h"

/* pi/4 as the sum of two floats. */
#define QUARTER_PI_f64 ((vf64)0x1.921fb54442d18p-1)
#define QUARTER_PI_LOW_f64 ((vf64)0x1.1a62633145c07p-55)
#define QUARTER_PI_f32 ((vf32)0x1.921fb6p-1f)
#define QUARTER_PI_LOW_f32 ((vf32)-0x1.777a5cp-26f)

/* Where the middle range begins, and for precision="fast" where it begins and ends. */
#define ARCTANGENT_LEAST R(0x1.34p-1)
#define ARCTANGENT_FAST_LEAST R(0x1.a8p-2)
#define ARCTANGENT_FAST_MOST R(0x1.35p+1)

#if LANE == 8
/* P(z): the even and the odd coefficients as two chains, for half the latency of one. */
INLINE vf64 arctangent_polynomial_f64(vf64 z) {
    vf64 zz = z * z, odd = 0x1.dfcc093ae4c49p-9, even = -0x1.c5ea88542356p-7;
    odd = FMA(odd, zz, (vf64)0x1.bb5a3754f14f6p-6);
    even = FMA(even, zz, (vf64)-0x1.38d0fda89d7d4p-5);
    odd = FMA(odd, zz, (vf64)0x1.79137b2056687p-5);
    even = FMA(even, zz, (vf64)-0x1.ac487bcf48962p-5);
    odd = FMA(odd, zz, (vf64)0x1.e16acde4c2d53p-5);
    even = FMA(even, zz, (vf64)-0x1.110a15bbbe233p-4);
    odd = FMA(odd, zz, (vf64)0x1.3b131c767c747p-4);
    even = FMA(even, zz, (vf64)-0x1.745d0ec73cbd6p-4);
    odd = FMA(odd, zz, (vf64)0x1.c71c71766ee4ep-4);
    even = FMA(even, zz, (vf64)-0x1.24924923ae8bdp-3);
    odd = FMA(odd, zz, (vf64)0x1.99999999970efp-3);
    even = FMA(even, zz, (vf64)-0x1.5555555555541p-2);
    return FMA(odd, z, even);
}

/* The same for |q| < 0.4144 and precision="fast": k = 1 from tan(pi/8) to its reciprocal, where q
   is not as small, but the polynomial 4 terms shorter (2**-54.6; float32: 3, 2**-25.5). */
INLINE vf64 arctangent_fast_f64(vf64 z) {
    vf64 zz = z * z, odd = 0x1.5c14a218552f2p-6, even = -0x1.64ffe10cd1ae6p-5;
    odd = FMA(odd, zz, (vf64)0x1.d24ca05ff185ep-5);
    even = FMA(even, zz, (vf64)-0x1.100464a225a4ap-4);
    odd = FMA(odd, zz, (vf64)0x1.3afc1e5fa3ff3p-4);
    even = FMA(even, zz, (vf64)-0x1.745bc1952870ap-4);
    odd = FMA(odd, zz, (vf64)0x1.c71c65be50d61p-4);
    even = FMA(even, zz, (vf64)-0x1.2492490548b09p-3);
    odd = FMA(odd, zz, (vf64)0x1.9999999948d93p-3);
    even = FMA(even, zz, (vf64)-0x1.5555555555313p-2);
    return FMA(odd, z, even);
}
#endif

/* P(z); one chain, it is short. */
INLINE vf32 arctangent_polynomial_f32(vf32 z) {
    vf32 sum = -0x1.5fa9e6p-6f;
    sum = FMA(sum, z, (vf32)0x1.ccd458p-5f);
    sum = FMA(sum, z, (vf32)-0x1.5d8f62p-4f);
    sum = FMA(sum, z, (vf32)0x1.c387cap-4f);
    sum = FMA(sum, z, (vf32)-0x1.246a56p-3f);
    sum = FMA(sum, z, (vf32)0x1.9997e4p-3f);
    return FMA(sum, z, (vf32)-0x1.555552p-2f);
}

INLINE vf32 arctangent_fast_f32(vf32 z) {
    vf32 p = FMA((vf32)0x1.49c2fap-4f, z, (vf32)-0x1.1c325cp-3f);
    p = FMA(p, z, (vf32)0x1.99244ep-3f);
    return FMA(p, z, (vf32)-0x1.555452p-2f);
}

#define TEMPLATE "arctangent.h"
#include "real.h"

#elif defined(REAL)

/* a < b where neither has its sign set, as integers: no flag on a NaN, on AArch64 neither.  A NaN
   counts as above infinity. */
OVERLOADED I magnitude_less(V a, V b) { return AS(I, a) < AS(I, b); }

/* q = numerator / denominator, for a small, large or middle n / d. */
typedef struct {
    V numerator, denominator, k;
} NAME(fraction);

INLINE NAME(fraction) NAME(fraction_of)(V n, V d, I small, I large) {
    V numerator = large ? -d : small ? n : n - d;
    V denominator = large ? n : small ? d : n + d;
    V k = large ? R(2.0) : small ? R(0.0) : R(1.0);
    return (NAME(fraction)){numerator, denominator, k};
}

/* What sum = FMA(k, QUARTER_PI, q) rounds off, with the low part of k pi/4: Fast2Sum, the product
   being exact inside the FMA. */
INLINE V NAME(arctangent_missed)(V k, V q, V sum) {
    return FMA(k, NAME(QUARTER_PI_LOW), FMA(k, NAME(QUARTER_PI), -sum) + q);
}

#endif
