/* Division with remainder of floating numbers: floor_divide, remainder, divmod and fmod, with the
   bits and the flags of NumPy 2.4 (npy_divmod in npy_math_internal.h.src).

   The short way is for |a / b| < 2**50 (float32: 2**21), and for b neither subnormal nor near the
   largest numbers.  Let d = a / b, rounded, and n = floor(d).  A whole number is never rounded to
   less, so n is the floor of the true quotient, or 1 more if the true quotient rounds up to n.

   n is the floor:  a - n b is fmod(a, b), a number of the dtype, or it is fmod(a, b) + b, which
                    the FMA rounds once, as NumPy does.
   n is 1 more:     The true quotient misses n by n 2**-53 or less, so |a - n b| < |b|.  It is a
                    multiple of the last place of a or of b, whichever is less, so that the FMA
                    is exact.  Its sign is not b's, which tells this case.  b is added, as NumPy
                    adds it to fmod(a, b), and n is lowered by 1.

   A tiny quotient that is rounded to -0.0 is in the second case.  For fmod the same is done with
   |a| and |b|.  NumPy's n is (a - fmod(a, b)) / b, less 1 in some cases, and then the nearest whole
   number.  Its three roundings are less than 1/2 together below 2**50, so n it is.

   The long way is NumPy's formula with an exact fmod: a and b are powers of two times A and B,
   whole numbers of all digits.  A is multiplied by 2**STEP, and the multiple of B next to it is
   taken off by FMA, until the powers are equal.  Let |A| < 2 B.  The product of A 2**STEP and 1 / B
   is off by 2**(STEP + 1) * 2**-52 = 1/4 or less (float32: 2**-23, 1/4), for two roundings.  The
   nearest whole number is off by 1/2 more.  So what is left is at most 3/4 B, a whole number that
   has no more digits than B, and the FMA is exact. */

#ifndef CPNUM_MODULO_H
#define CPNUM_MODULO_H

#include "../vector.h"

/* The bits that a step of the long way takes off, and the limit of the short way. */
#define STEP_f64 49
#define STEP_f32 20

#define TEMPLATE "modulo.h"
#include "real.h"

#elif defined(REAL)

/* Of divmod: the quotient first. */
typedef struct {
    V first, second;
} NAME(divided);

#define SIZE(x) (AS(I, x) & ~SIGN)

/* a / b may have more than STEP bits before the point (bits, as a logarithm, are wrong by less than
   0.09), b is 0, subnormal, inf or nan, or a is inf or nan: then b is near the largest numbers, or
   the quotient is large. */
INLINE I NAME(beyond)(V a, V b) {
    const I FAR = (I)NAME(STEP) << DIGITS;
    return OUTSIDE(SIZE(b), NORMAL, INFINITE - FAR) | (SIZE(a) - SIZE(b) >= FAR);
}

/* The bits of a positive number, with DIGITS added to the exponent: so a subnormal one has an
   exponent, too.  They may reach into the sign. */
INLINE U NAME(widened)(I size) {
    V count = AS(V, (size & (NORMAL - 1)) | TOP) - AS(V, TOP);
    return AS(U, size < NORMAL ? AS(I, count) - ONE + NORMAL : size + DIGITS * NORMAL);
}

/* fmod of positive finite numbers, a >= b. */
INLINE V NAME(fmod_long)(I a, I b) {
    U a_wide = NAME(widened)(a), b_wide = NAME(widened)(b);
    V rest = AS(V, (AS(I, a_wide) & (NORMAL - 1)) | TOP);
    V whole = AS(V, (AS(I, b_wide) & (NORMAL - 1)) | TOP), reciprocal = R(1.0) / whole;
    I exponent = AS(I, b_wide >> DIGITS), apart = AS(I, a_wide >> DIGITS) - exponent;
    do {
        I step = apart < NAME(STEP) ? apart : (I)NAME(STEP);
        V scaled = rest * AS(V, ONE + (step << DIGITS));
        rest = FMA(-RINT(scaled * reciprocal), whole, scaled);
        apart -= step;
    } while (any(apart > 0));
    rest = AS(I, rest) < 0 ? rest + whole : rest;
    /* The power of b in two factors: it may be less than any number of the dtype. */
    I power = exponent + (ONE >> DIGITS) - 2 * DIGITS, half = power >> 1;
    return rest * AS(V, half << DIGITS) * AS(V, (power - half) << DIGITS);
}

/* fmod of any numbers; where it is nan of none, invalid is raised, unless it is `silent` there. */
INLINE V NAME(fmod_any)(V a, V b, I silent) {
    FLAGS_MATTER
    I a_size = SIZE(a), b_size = SIZE(b);
    I regular = (a_size < INFINITE) & (b_size > 0) & (b_size <= INFINITE);
    I larger = regular & (a_size >= b_size);
    V rest = NAME(fmod_long)(larger ? a_size : ONE, larger ? b_size : ONE);
    I size = larger ? AS(I, rest) : a_size;
    V nan = a_size > INFINITE ? a : (b_size > INFINITE ? b : (V){});
    nan /= (regular | silent) ? R(1.0) : (V){};
    return regular ? AS(V, size | (AS(I, a) & SIGN)) : nan;
}

/* NumPy's quotient and remainder from fmod. */
INLINE V NAME(floor_of)(V a, V b, V fmod) {
    FLAGS_MATTER
    I by_zero = SIZE(b) == 0;
    V quotient = (a - (by_zero ? (V){} : fmod)) / b;
    I lower = ((AS(I, fmod) ^ AS(I, b)) < 0) & (SIZE(fmod) > 0) & ~by_zero;
    quotient -= lower ? R(1.0) : (V){};
    V floor = FLOOR(quotient);
    /* For infinity, inf - inf raises invalid, as NumPy does, unless it divided by 0. */
    V above = (by_zero ? (V){} : quotient) - (by_zero ? (V){} : floor);
    floor += LESS((V)R(0.5), above) ? R(1.0) : (V){};
    I zero = AS(I, quotient == R(0.0)), sign = (AS(I, a) ^ AS(I, b)) & SIGN;
    return zero ? AS(V, sign) : floor;
}

INLINE V NAME(remainder_of)(V b, V fmod) {
    FLAGS_MATTER
    I other_sign = (AS(I, fmod) ^ AS(I, b)) < 0;
    V sum = fmod + (other_sign ? b : (V){});
    return SIZE(fmod) == 0 ? AS(V, AS(I, b) & SIGN) : sum;
}

/* The short way: floor(a / b) or 1 more, and what is left. */
INLINE NAME(divided) NAME(divided_near)(V a, V b) {
    V floor = FLOOR(a / b);
    return (NAME(divided)){floor, FMA(-floor, b, a)};
}

INLINE V NAME(floor_near)(V b, NAME(divided) near) {
    I other_sign = (AS(I, near.second) ^ AS(I, b)) < 0;
    I lower = other_sign & (SIZE(near.second) > 0);
    return near.first - (lower ? R(1.0) : (V){});
}

INLINE V NAME(floor_divide)(V a, V b) {
    if (UNLIKELY(any(NAME(beyond)(a, b))))
        return NAME(floor_of)(a, b, NAME(fmod_any)(a, b, SIZE(b) == 0));
    return NAME(floor_near)(b, NAME(divided_near)(a, b));
}

INLINE V NAME(remainder)(V a, V b) {
    if (UNLIKELY(any(NAME(beyond)(a, b))))
        return NAME(remainder_of)(b, NAME(fmod_any)(a, b, (I){}));
    return NAME(remainder_of)(b, NAME(divided_near)(a, b).second);
}

INLINE NAME(divided) NAME(divmod)(V a, V b) {
    if (UNLIKELY(any(NAME(beyond)(a, b)))) {
        V fmod = NAME(fmod_any)(a, b, (I){});
        return (NAME(divided)){NAME(floor_of)(a, b, fmod), NAME(remainder_of)(b, fmod)};
    }
    NAME(divided) near = NAME(divided_near)(a, b);
    return (NAME(divided)){NAME(floor_near)(b, near), NAME(remainder_of)(b, near.second)};
}

INLINE V NAME(fmod)(V a, V b) {
    if (UNLIKELY(any(NAME(beyond)(a, b)))) return NAME(fmod_any)(a, b, (I){});
    V a_size = ABS(a), b_size = ABS(b);
    V rest = FMA(-TRUNC(a_size / b_size), b_size, a_size);
    rest = AS(I, rest) < 0 ? rest + b_size : rest;
    return AS(V, AS(I, rest) | (AS(I, a) & SIGN));
}

#undef SIZE

#endif
