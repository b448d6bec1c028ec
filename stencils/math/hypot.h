/* hypot(x, y) = sqrt(x**2 + y**2), corrected once.

   The squares and their sum are kept in two parts each (FMA; Fast2Sum, the longer side first), so
   that s + s_low has them to 2**-105.  h = sqrt(s) is within 1.25 ulp; it misses
   (s - h**2 + s_low) / (2 h), where s - h**2 is exact in an FMA.  Since that is about one ulp of
   h, a reciprocal from the bits of h alone will do: of all lines through the exponent and the
   significand, MAGIC - bits is within 5.1 % of 1 / (2 h) (as Blinn, "Floating-point tricks", IEEE
   CG&A 17 (1997), 4).  (The correction is Borges', "An improved algorithm for hypot(a, b)", arXiv
   1904.09481.)  In ulp: 1/2 for the last FMA and 0.06 for the reciprocal.  If the true value is a
   number of the dtype, as in a Pythagorean triple, it is met.

   The longer side is between 2**-450 and 2**511 (float32: 2**-38 and 2**63), where no square
   overflows and none that counts underflows.  The branch scales by a power of two, which subnormal
   results round a second time, and puts inf and nan in.

   Measured: float64 0.527 ulp, float32 0.527 (subnormal results 0.764), in 2 10**7 pairs each of
   all exponents and ratios. */

#ifndef CPNUM_HYPOT_H
#define CPNUM_HYPOT_H

#include "../vector.h"

/* sqrt(longer**2 + shorter**2), both positive or zero. */
#define DEFINE_HYPOT_SCALED(dtype, integer, MAGIC)                                                \
    v##dtype hypot_scaled(v##dtype longer, v##dtype shorter) {                                    \
        v##dtype a = longer * longer, a_low = FMA(longer, longer, -a);                            \
        v##dtype b = shorter * shorter, b_low = FMA(shorter, shorter, -b);                        \
        v##dtype s = a + b, s_low = ((a - s) + b) + (a_low + b_low);                              \
        v##dtype h = SQRT(s), missed = FMA(-h, h, s) + s_low;                                     \
        v##dtype reciprocal = AS(v##dtype, MAGIC - AS(v##integer, h));                            \
        return FMA(missed, reciprocal, h);                                                        \
    }

/* `least` and `most` are bits of powers of two, `up` and `down` those of the scales. */
#define DEFINE_HYPOT(name, scaled, dtype, integer, word, SIGN, INFINITE, ONE, least, most, up,    \
                     down)                                                                        \
    INLINE v##dtype name##_##dtype(v##dtype x, v##dtype y) {                                      \
        v##integer a = AS(v##integer, x) & ~SIGN, b = AS(v##integer, y) & ~SIGN;                  \
        v##integer longer = a > b ? a : b, shorter = a > b ? b : a;                               \
        if (UNLIKELY(any(longer - (word)least + SIGN >= SIGN + (word)(most - least)))) {          \
            v##integer infinite = (a == INFINITE) | (b == INFINITE), regular = longer < INFINITE; \
            v##integer small = longer < (word)least, large = longer >= (word)most;                \
            v##integer scale = small ? (v##integer)(word)up : (v##integer)ONE;                    \
            v##integer back = small ? (v##integer)(word)down : (v##integer)ONE;                   \
            scale = large ? (v##integer)(word)down : scale;                                       \
            back = large ? (v##integer)(word)up : back;                                           \
            v##dtype first = AS(v##dtype, regular ? longer : (v##integer)ONE);                    \
            v##dtype second = AS(v##dtype, regular ? shorter : (v##integer)ONE);                  \
            v##dtype factor = AS(v##dtype, regular ? scale : (v##integer)ONE);                    \
            v##dtype inverse = AS(v##dtype, regular ? back : (v##integer)ONE);                    \
            v##dtype value = scaled(first * factor, second * factor) * inverse;                   \
            v##integer other = infinite ? (v##integer)INFINITE : longer;                          \
            return regular ? value : AS(v##dtype, other);                                         \
        }                                                                                         \
        return scaled(AS(v##dtype, longer), AS(v##dtype, shorter));                               \
    }

/* For precision="fast": not corrected.  Half of the error of the sum, and 0.5: 1.0 ulp measured. */
#define HYPOT_ROUGH(longer, shorter) SQRT(FMA(longer, longer, (shorter) * (shorter)))

#if LANE == 8
#define SIGN_F64 (~0x7fffffffffffffff)
#define BITS_OF_2_F64(exponent) ((1023l + exponent) << 52)
OVERLOADED DEFINE_HYPOT_SCALED(f64, i64, 0x7fce624dd2f1a9fc)
DEFINE_HYPOT(hypot, hypot_scaled, f64, i64, long, SIGN_F64, 0x7ff0000000000000,
             0x3ff0000000000000, BITS_OF_2_F64(-450), BITS_OF_2_F64(511), BITS_OF_2_F64(600),
             BITS_OF_2_F64(-600))
DEFINE_HYPOT(hypot_fast, HYPOT_ROUGH, f64, i64, long, SIGN_F64, 0x7ff0000000000000,
             0x3ff0000000000000, BITS_OF_2_F64(-450), BITS_OF_2_F64(511), BITS_OF_2_F64(600),
             BITS_OF_2_F64(-600))
#endif

#define SIGN_F32 (~0x7fffffff)
#define BITS_OF_2_F32(exponent) ((127 + exponent) << 23)
OVERLOADED DEFINE_HYPOT_SCALED(f32, i32, 0x7e73126f)
DEFINE_HYPOT(hypot, hypot_scaled, f32, i32, int, SIGN_F32, 0x7f800000, 0x3f800000,
             BITS_OF_2_F32(-38), BITS_OF_2_F32(63), BITS_OF_2_F32(100), BITS_OF_2_F32(-100))
DEFINE_HYPOT(hypot_fast, HYPOT_ROUGH, f32, i32, int, SIGN_F32, 0x7f800000, 0x3f800000,
             BITS_OF_2_F32(-38), BITS_OF_2_F32(63), BITS_OF_2_F32(100), BITS_OF_2_F32(-100))

#endif
