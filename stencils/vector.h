/* The vector types of one pack and one lane width, and what C lacks for them.

   A kernel has LANES lanes of LANE bytes: LANES = VECTOR_BYTES / LANE.  Every type here has LANES
   elements, whatever their size, so that a float32 beside a float64 fills half a register and any
   two values of a kernel can meet in one operator.

       ISA level    VECTOR_BYTES    LANE 8    LANE 4    LANE 1
       x86-64-v4              64    8 lanes   16        64
       x86-64-v3              32    4          8        32
       aarch64                16    2          4        16

   ext_vector_type, not vector_size: only on the former does clang define ?:, comparisons and
   __builtin_elementwise_* (Clang language extensions, "Vectors and Extended Vectors"). */

#ifndef CPNUM_VECTOR_H
#define CPNUM_VECTOR_H

#include "dtypes.h" /* written from cpnum/tables/dtypes.py */

/* The targets, by their vectors. */
#define X86_512 (VECTOR_BYTES == 64) /* x86-64-v4 */
#define X86_256 (VECTOR_BYTES == 32) /* x86-64-v3 */
#define NEON (VECTOR_BYTES == 16)    /* aarch64 */

#define INLINE static inline __attribute__((always_inline, unused))
#define OVERLOADED INLINE __attribute__((overloadable))

#define LANES (VECTOR_BYTES / LANE)
#define VECTOR_OF(n, element) element __attribute__((ext_vector_type(n)))
#define VECTOR(element) VECTOR_OF(LANES, element)
#define BITS(n) VECTOR_OF(n, _Bool)

/* The integer of so many bytes.  long, not long long: the type that comparing two vf64 gives. */
#define SIGNED_8 long
#define SIGNED_4 int
#define SIGNED_2 short
#define SIGNED_1 signed char
#define SIGNED_(bytes) SIGNED_##bytes
#define SIGNED(bytes) SIGNED_(bytes)

/* vT, a value of the dtype T, and select_T, the mask that selects between two of them: as wide as
   they are. */
#define VECTOR_TYPES(T, element, bytes, family)                                                    \
    typedef VECTOR(element) v##T;                                                                  \
    typedef VECTOR(SIGNED(bytes)) select_##T;
FLOAT_DTYPES(VECTOR_TYPES)
INT_DTYPES(VECTOR_TYPES)

/* A boolean is a lane mask, all ones or all zeros, as wide as the lane. */
typedef VECTOR(SIGNED(LANE)) vb, select_b;

/* What shifts and comparisons of bits without a sign take. */
typedef VECTOR(unsigned long) vu64;
typedef VECTOR(unsigned int) vu32;

#define AS(type, x) __builtin_bit_cast(type, x)           /* the same bits */
#define CONVERT(type, x) __builtin_convertvector(x, type) /* the same value, rounded */

#define FMA(a, b, c) __builtin_elementwise_fma(a, b, c) /* a * b + c, rounded once */
#define SQRT(x) __builtin_elementwise_sqrt(x)
#define RINT(x) __builtin_elementwise_rint(x)
#define FLOOR(x) __builtin_elementwise_floor(x)
#define CEIL(x) __builtin_elementwise_ceil(x)
#define TRUNC(x) __builtin_elementwise_trunc(x)
#define ABS(x) __builtin_elementwise_abs(x)
#define COPYSIGN(x, y) __builtin_elementwise_copysign(x, y)

/* Ordered comparisons that raise no flag on a quiet NaN, as NumPy's do not: LESS(a, b) and
   LESS_EQUAL(a, b) on vf64 give a vi64, on vf32 a vi32.  UNORDERED tells whether one is a NaN.

   C's < is the signalling predicate on x86 (LT_OS; Intel SDM vol. 2A, CMPPD, table 3-1), so the
   quiet ones (LT_OQ = 17, LE_OQ = 18, UNORD_Q = 3) are asked for by name.  == and != are quiet
   in C.  AArch64 has only the signalling FCMGT and FCMGE (Arm ARM, FPCompareGT). */
#if LANE > 1
#if NEON
#define LESS(a, b) ((a) < (b))
#define LESS_EQUAL(a, b) ((a) <= (b))
#define UNORDERED(a, b) (((a) != (a)) | ((b) != (b)))
#else
#define LESS(a, b) quiet_less(a, b)
#define LESS_EQUAL(a, b) quiet_less_equal(a, b)
#define UNORDERED(a, b) quiet_unordered(a, b)

/* Comparisons of one register each, by a predicate that has to be a constant. */
#if X86_512
#define FROM_BITS(type, n, bits) (-CONVERT(type, AS(BITS(n), bits)))
#define QUIET_COMPARE(name, predicate)                                                             \
    OVERLOADED VECTOR_OF(8, long) name(VECTOR_OF(8, double) a, VECTOR_OF(8, double) b) {           \
        return FROM_BITS(VECTOR_OF(8, long), 8,                                                    \
                         __builtin_ia32_cmppd512_mask(a, b, predicate, -1, 4));                    \
    }                                                                                              \
    OVERLOADED VECTOR_OF(16, int) name(VECTOR_OF(16, float) a, VECTOR_OF(16, float) b) {           \
        return FROM_BITS(VECTOR_OF(16, int), 16,                                                   \
                         __builtin_ia32_cmpps512_mask(a, b, predicate, -1, 4));                    \
    }                                                                                              \
    OVERLOADED VECTOR_OF(8, int) name(VECTOR_OF(8, float) a, VECTOR_OF(8, float) b) {              \
        return FROM_BITS(VECTOR_OF(8, int), 8, __builtin_ia32_cmpps256_mask(a, b, predicate, -1)); \
    }
#else
#define QUIET_COMPARE(name, predicate)                                                             \
    OVERLOADED VECTOR_OF(4, long) name(VECTOR_OF(4, double) a, VECTOR_OF(4, double) b) {           \
        return AS(VECTOR_OF(4, long), __builtin_ia32_cmppd256(a, b, predicate));                   \
    }                                                                                              \
    OVERLOADED VECTOR_OF(8, int) name(VECTOR_OF(8, float) a, VECTOR_OF(8, float) b) {              \
        return AS(VECTOR_OF(8, int), __builtin_ia32_cmpps256(a, b, predicate));                    \
    }                                                                                              \
    OVERLOADED VECTOR_OF(4, int) name(VECTOR_OF(4, float) a, VECTOR_OF(4, float) b) {              \
        return AS(VECTOR_OF(4, int), __builtin_ia32_cmpps(a, b, predicate));                       \
    }
#endif
QUIET_COMPARE(quiet_less, 17)
QUIET_COMPARE(quiet_less_equal, 18)
QUIET_COMPARE(quiet_unordered, 3)

#if LANE == 4
/* float64 in a float32 kernel takes two registers: .lo and .hi are ext_vector_type's halves. */
#define COMPARE_HALVES(name)                                                                       \
    OVERLOADED select_f64 name(vf64 a, vf64 b) {                                                   \
        select_f64 both;                                                                           \
        both.lo = name(a.lo, b.lo);                                                                \
        both.hi = name(a.hi, b.hi);                                                                \
        return both;                                                                               \
    }
COMPARE_HALVES(quiet_less)
COMPARE_HALVES(quiet_less_equal)
COMPARE_HALVES(quiet_unordered)
#endif
#endif

/* Whether any lane of a mask is set: the one test before a rarely taken branch. */
#define ANY(T, ...)                                                                                \
    OVERLOADED int any(v##T mask) { return __builtin_reduce_or(mask) != 0; }
INT_DTYPES(ANY)
#endif

/* The address of a table of constants, whatever the address of the code. */
#if !NEON
#define ADDRESS(table)                                                                             \
    ({                                                                                             \
        __typeof__(&table[0]) address_;                                                            \
        __asm__("leaq %c1(%%rip), %0" : "=r"(address_) : "i"(table));                              \
        address_;                                                                                  \
    })
#else
#define ADDRESS(table) (&table[0])
#endif

/* First in a function that raises flags on purpose: no operation in it is left out, or made where C
   does not make it.  All of x86 is compiled so (cpnum/toolchain/compiler.py); on AArch64 clang then
   splits comparisons of floats, so it is asked for only here. */
#define FLAGS_MATTER _Pragma("clang fp exceptions(maytrap)")

/* Before a loop: no branch of it is left. */
#define UNROLLED _Pragma("clang loop unroll(full)")
/* Before a loop of few rounds: it is not made longer, and takes few registers. */
#define NOT_UNROLLED _Pragma("clang loop unroll(disable) vectorize(disable)")

#define UNLIKELY(condition) __builtin_expect(condition, 0)

#endif
