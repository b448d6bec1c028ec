/* Division with remainder of integers: floor_divide, remainder, divmod and fmod, as NumPy 2.4 has
   them, and gcd and lcm.  No operand is a fault: x // 0 and x % 0 are 0 and raise divide; the
   lowest integer by -1 is itself, which raises overflow, and leaves 0, which raises nothing.

   No level divides vectors of integers.  int32 is divided as float64: a quotient that is not whole
   misses each whole number by 1 / |b| or more, and the rounding errs by 2**-22 / |b|.

   int64 is divided lane by lane on AArch64.  x86 has one divider, and stencils may not use its
   register, so a reciprocal serves: q is the nearest integer to a (1 / b) in float64.  It misses
   a / b by 1/2, and by |a / b| 2**-51 for four roundings.  So a - q b is below |b| / 2 + 2**12 and
   fits its 64 bits.  It is divided once more, and what is left then is at most 0.51 |b|.

   A sign of the rest that is the wrong one tells that the quotient misses by 1. */

#ifndef CPNUM_INTEGER_DIVISION_H
#define CPNUM_INTEGER_DIVISION_H

#include "../vector.h"

/* Keeps an operation that only raises a flag. */
#if NEON
#define RAISE(value) __asm__ volatile("" : : "w"(value))
#else
#define RAISE(value) __asm__ volatile("" : : "v"(value))
#endif

#define INTEGER_TYPES(T)                                                                           \
    typedef struct {                                                                               \
        v##T first, second;                                                                        \
    } divided_##T;

/* Both operands, made harmless: the quotient is the right one, and so is what is left. */
#define GUARDED(T, floating, one, large)                                                           \
    OVERLOADED divided_##T guarded(v##T a, v##T b, int overflows) {                                \
        FLAGS_MATTER                                                                               \
        const v##T LOWEST = (v##T)1 << (8 * sizeof(a[0]) - 1);                                     \
        v##T by_zero = b == 0, over = (b == -1) & (a == LOWEST), bad = by_zero | over;             \
        if (UNLIKELY(any(bad))) {                                                                  \
            RAISE(one / (by_zero ? (floating){} : one));                                           \
            if (overflows) RAISE(large * (over ? large : one));                                    \
            a = by_zero ? (v##T){} : a;                                                            \
            b = bad ? (v##T)1 : b;                                                                 \
        }                                                                                          \
        return (divided_##T){a, b};                                                                \
    }

/* gcd is Euclid's, of absolute values.  That of the lowest integer is negative; no rest is.  lcm
   has the bits of NumPy's, which are computed without signs. */
#define DIVISIONS(T)                                                                               \
    OVERLOADED v##T integer_floor(v##T a, v##T b) {                                                \
        divided_##T safe = guarded(a, b, 1), near = divided_near(safe.first, safe.second);         \
        v##T lower = ((near.second ^ b) < 0) & (near.second != 0);                                 \
        return near.first + lower;                                                                 \
    }                                                                                              \
    OVERLOADED v##T integer_remainder(v##T a, v##T b) {                                            \
        divided_##T safe = guarded(a, b, 0);                                                       \
        v##T rest = divided_near(safe.first, safe.second).second;                                  \
        v##T lower = ((rest ^ b) < 0) & (rest != 0);                                               \
        return rest + (lower & b);                                                                 \
    }                                                                                              \
    OVERLOADED divided_##T integer_divmod(v##T a, v##T b) {                                        \
        divided_##T safe = guarded(a, b, 1), near = divided_near(safe.first, safe.second);         \
        v##T lower = ((near.second ^ b) < 0) & (near.second != 0);                                 \
        return (divided_##T){near.first + lower, near.second + (lower & b)};                       \
    }                                                                                              \
    OVERLOADED v##T integer_fmod(v##T a, v##T b) {                                                 \
        divided_##T safe = guarded(a, b, 0);                                                       \
        v##T rest = divided_near(safe.first, safe.second).second;                                  \
        v##T other_sign = ((rest ^ a) < 0) & (rest != 0);                                          \
        return rest + (other_sign & ((a ^ b) < 0 ? -b : b));                                       \
    }                                                                                              \
    OVERLOADED v##T integer_gcd(v##T a, v##T b) {                                                  \
        a = a < 0 ? -a : a, b = b < 0 ? -b : b;                                                    \
        do {                                                                                       \
            v##T done = b == 0, rest = divided_near(a, done ? (v##T)1 : b).second;                 \
            rest = rest < 0 ? -rest : rest;                                                        \
            a = done ? a : b;                                                                      \
            b = done ? (v##T){} : rest;                                                            \
        } while (any(b > 0));                                                                      \
        return a;                                                                                  \
    }                                                                                              \
    OVERLOADED v##T integer_lcm(v##T a, v##T b) {                                                  \
        v##T divisor = integer_gcd(a, b);                                                          \
        a = a < 0 ? -a : a, b = b < 0 ? -b : b;                                                    \
        return divided_near(a, divisor == 0 ? (v##T)1 : divisor).first * b;                        \
    }

INTEGER_TYPES(i32)
GUARDED(i32, vf32, (vf32)1.0f, (vf32)0x1p100f)
/* A quotient that is next to a / b or is it, and what it leaves; of guarded operands. */
OVERLOADED divided_i32 divided_near(vi32 a, vi32 b) {
    vi32 quotient = CONVERT(vi32, CONVERT(vf64, a) / CONVERT(vf64, b));
    return (divided_i32){quotient, a - quotient * b};
}
DIVISIONS(i32)

#if LANE == 8
/* As float64, rounded; the nearest integer to a float64 of at most 2**63, modulo 2**64. */
#if X86_512
INLINE vf64 rounded(vi64 x) { return CONVERT(vf64, x); }
/* By _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC; 2**63 gives the lowest integer. */
INLINE vi64 nearest(vf64 x) { return __builtin_ia32_cvtpd2qq512_mask(x, (vi64){}, -1, 8); }
#elif X86_256
/* The upper and lower 32 bits are each put into the bits of a large power of two. */
INLINE vf64 rounded(vi64 x) {
    vf64 high = AS(vf64, AS(vi64, AS(vu64, x) >> 32) ^ 0x4530000080000000);
    vf64 low = AS(vf64, (x & 0xffffffff) | 0x4330000000000000);
    return (high - (0x1p84 + 0x1p63 + 0x1p52)) + low;
}
INLINE vi64 nearest_of_52_bits(vf64 x) { return AS(vi64, x + 0x1.8p52) - AS(vi64, (vf64)0x1.8p52); }
INLINE vi64 nearest(vf64 x) {
    vf64 high = RINT(x * 0x1p-32), low = FMA(high, (vf64)-0x1p32, x);
    return (nearest_of_52_bits(high) << 32) + nearest_of_52_bits(low);
}
#endif

INTEGER_TYPES(i64)
GUARDED(i64, vf64, (vf64)1.0, (vf64)0x1p1000)
OVERLOADED divided_i64 divided_near(vi64 a, vi64 b) {
#if NEON
    vi64 quotient;
    UNROLLED
    for (int lane = 0; lane < LANES; lane++) quotient[lane] = a[lane] / b[lane];
    return (divided_i64){quotient, a - quotient * b};
#else
    vf64 reciprocal = 1.0 / rounded(b);
    vi64 quotient = nearest(rounded(a) * reciprocal), rest = a - quotient * b;
    vi64 further = nearest(rounded(rest) * reciprocal);
    return (divided_i64){quotient + further, rest - further * b};
#endif
}
DIVISIONS(i64)
#endif

#endif
