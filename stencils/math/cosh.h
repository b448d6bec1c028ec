/* cosh, float64 and float32.

   Method.  t = |x| = n ln 2 / 4 + r as in exponential.h, and with q = 2**(n/4)

       cosh t = C cosh r + S sinh r,    C, S = (q +- 1/q) / 2.

   What C loses is kept (Fast2Sum; q >= 1/q), and what q misses; not what 1/q misses, which is
   relative to the smaller term: 0.1 ulp.  |S sinh r| is at most 0.0866 C, so that no sum in two
   parts is needed:  result = C + (S sinh r + (lost + C (cosh r - 1))).

   In ulp: 1/2 for the last addition, 0.0625 at most for the roundings of r, of sinh r, of S and of
   the FMA, and 0.1: 0.8.

   The tables are those of exponential.h halved, and the one of 2**(-j/4), with j / 4 added to the
   exponent instead of subtracted.  Large |x|: exp in two steps, as in exp.h, halved.

   Measured maximum: float64 0.758 ulp (at 1.9928) in 4 million points and climbing from the worst;
   float32 0.762 in all of them. */

#ifndef CPNUM_COSH_H
#define CPNUM_COSH_H

#include "exp.h"

/* 2**(j/4 - 1) and what it misses, and 2**(-j/4 - 1), as of exponential.h. */
#define HALF_POWERS_f64 0.5, 0x1.f06fe0a31b715p-2, 0x1.ea09e667f3bcdp-2, 0x1.ee89f995ad3adp-2
#define HALF_POWERS_LOW_f64                                                                        \
    0.0, 0x1.34d754db0abb6p-55, -0x1.3b3efbf5e2228p-54, 0x1.c1a7792cb3387p-55
#define HALF_INVERSES_f64 0.5, 0x1.ee89f995ad3adp-2, 0x1.ea09e667f3bcdp-2, 0x1.f06fe0a31b715p-2
#define HALF_POWERS_f32 0.5f, 0x1.f06fe0p-2f, 0x1.ea09e6p-2f, 0x1.ee89fap-2f
#define HALF_POWERS_LOW_f32 0.0f, 0x1.125002p-25f, 0x1.26055cp-26f, -0x1.f9c304p-27f
#define HALF_INVERSES_f32 0.5f, 0x1.ee89fap-2f, 0x1.ea09e6p-2f, 0x1.f06fe0p-2f

/* sinh r and cosh r - 1. */
#if LANE == 8
INLINE series_f64 cosh_series_f64(vf64 r) {
    vf64 square = r * r;
    vf64 odd = fma_f64(square, 0x1.a030c7165a955p-13, 0x1.111110a1843d4p-7);
    vf64 even = fma_f64(square, 0x1.a02f727ae824cp-16, 0x1.6c16c0e3a72ebp-10);
    odd = fma_f64(square, odd, 0x1.5555555557e71p-3);
    even = fma_f64(square, even, 0x1.5555555557fb4p-5);
    odd = fma_f64(r * square, odd, r);
    even = fma_f64(square, even, 0x1.fffffffffffffp-2);
    return (series_f64){odd, square * even};
}
#endif

INLINE series_f32 cosh_series_f32(vf32 r) {
    vf32 square = r * r;
    vf32 odd = fma_f32(r * square, 0x1.5571d8p-3f, r);
    vf32 even = fma_f32(square, 0x1.557288p-5f, 0x1.fffffep-2f);
    return (series_f32){odd, square * even};
}

#define TEMPLATE "cosh.h"
#include "real.h"

#elif defined(REAL)

/* 2**(n/4 - 1) and what it misses, and 2**(-n/4 - 1). */
typedef struct {
    V power, low, inverse;
} NAME(half_powers);

INLINE NAME(half_powers) NAME(half_powers_of)(I n) {
    V power = NAME(of_four)(n, NAME(HALF_POWERS)), low = NAME(of_four)(n, NAME(HALF_POWERS_LOW));
    V inverse = NAME(of_four)(n, NAME(HALF_INVERSES));
    n <<= DIGITS - 2;
    return (NAME(half_powers)){AS(V, AS(I, power) + n), low, AS(V, AS(I, inverse) - n)};
}

INLINE V NAME(cosh_reduced)(V x) {
    NAME(quarter_reduced) x_ = NAME(reduce_quarter_ln2)(x);
    NAME(half_powers) h = NAME(half_powers_of)(x_.n);
    V cosh = h.power + h.inverse, sinh = h.power - h.inverse;
    V lost = FMA(h.power, h.low, h.inverse - (cosh - h.power));
    NAME(series) series = NAME(cosh_series)(x_.r);
    V even = FMA(cosh, series.even, lost);
    return cosh + FMA(sinh, series.odd, even);
}

/* of(|x|), or exp(|x|) / 2 where that is large: cosh, or sinh but for its sign. */
INLINE V NAME(hyperbolic)(V x, V (*of)(V)) {
    I bits = AS(I, x) & ~SIGN, most = AS(I, NAME(EXP_NORMAL));
    V magnitude = AS(V, bits);
    if (UNLIKELY(any(bits > most))) { /* |x| > 708 (87), or nan */
        I large = bits > most;
        V result = of(large ? R(0.0) : magnitude);
        V half = NAME(exp_large)(large ? magnitude : NAME(EXP_NORMAL), (WORD)-1 << DIGITS);
        result = large ? half : result;
        return bits > INFINITE ? x : result;
    }
    return of(magnitude);
}

INLINE V NAME(cosh)(V x) { return NAME(hyperbolic)(x, NAME(cosh_reduced)); }

#endif
