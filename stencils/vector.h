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

#define LANES (VECTOR_BYTES / LANE)
#define VECTOR(element) element __attribute__((ext_vector_type(LANES)))

typedef VECTOR(double) vf64;
typedef VECTOR(float) vf32;
typedef VECTOR(long) vi64; /* long, not long long: the type that comparing two vf64 gives */
typedef VECTOR(unsigned long) vu64;
typedef VECTOR(int) vi32;
typedef VECTOR(unsigned int) vu32;
typedef VECTOR(signed char) vi8;

/* A boolean is a lane mask, all ones or all zeros, as wide as the lane. */
#if LANE == 8
typedef vi64 vb;
#elif LANE == 4
typedef vi32 vb;
#elif LANE == 1
typedef vi8 vb;
#else
#error "LANE is 1, 4 or 8 bytes"
#endif

#define INLINE static inline __attribute__((always_inline, unused))

#define BITS(n) __attribute__((ext_vector_type(n))) _Bool

#define AS(type, x) __builtin_bit_cast(type, x)        /* the same bits */
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
   LESS_EQUAL(a, b) on vf64 give a vi64, on vf32 a vi32.

   C's < is the signalling predicate on x86 (LT_OS; Intel SDM vol. 2A, CMPPD, table 3-1), so the
   quiet ones (LT_OQ = 17, LE_OQ = 18) are asked for by name.  == and != are quiet in C.  AArch64
   has only the signalling FCMGT and FCMGE (Arm ARM, FPCompareGT). */
#if LANE > 1
#define OVERLOADED INLINE __attribute__((overloadable))

#if VECTOR_BYTES == 16
#define LESS(a, b) ((a) < (b))
#define LESS_EQUAL(a, b) ((a) <= (b))
#else
#define LESS(a, b) quiet_compare_17(a, b)
#define LESS_EQUAL(a, b) quiet_compare_18(a, b)

#if VECTOR_BYTES == 64
#define FROM_BITS(type, n, bits) (-CONVERT(type, AS(BITS(n), bits)))
#define COMPARE_8_F64(a, b, p) FROM_BITS(VECTOR_OF(8, long), 8, __builtin_ia32_cmppd512_mask(a, b, p, -1, 4))
#define COMPARE_16_F32(a, b, p) FROM_BITS(vi32, 16, __builtin_ia32_cmpps512_mask(a, b, p, -1, 4))
#define COMPARE_8_F32(a, b, p) FROM_BITS(vi32, 8, __builtin_ia32_cmpps256_mask(a, b, p, -1))
#else
#define COMPARE_4_F64(a, b, p) AS(VECTOR_OF(4, long), __builtin_ia32_cmppd256(a, b, p))
#define COMPARE_8_F32(a, b, p) AS(vi32, __builtin_ia32_cmpps256(a, b, p))
#define COMPARE_4_F32(a, b, p) AS(vi32, __builtin_ia32_cmpps(a, b, p))
#endif
#define VECTOR_OF(n, element) element __attribute__((ext_vector_type(n)))

/* float64 in a float32 kernel takes two registers: .lo and .hi are ext_vector_type's halves. */
#if VECTOR_BYTES == 64 && LANE == 8
#define COMPARE_F64(a, b, p) COMPARE_8_F64(a, b, p)
#define COMPARE_F32(a, b, p) COMPARE_8_F32(a, b, p)
#elif VECTOR_BYTES == 64
#define COMPARE_F64(a, b, p) HALVES(COMPARE_8_F64((a).lo, (b).lo, p), COMPARE_8_F64((a).hi, (b).hi, p))
#define COMPARE_F32(a, b, p) COMPARE_16_F32(a, b, p)
#elif LANE == 8
#define COMPARE_F64(a, b, p) COMPARE_4_F64(a, b, p)
#define COMPARE_F32(a, b, p) COMPARE_4_F32(a, b, p)
#else
#define COMPARE_F64(a, b, p) HALVES(COMPARE_4_F64((a).lo, (b).lo, p), COMPARE_4_F64((a).hi, (b).hi, p))
#define COMPARE_F32(a, b, p) COMPARE_8_F32(a, b, p)
#endif
#define HALVES(low, high) ({ vi64 both_; both_.lo = low; both_.hi = high; both_; })

#define QUIET_COMPARE(p)                                                                        \
    OVERLOADED vi64 quiet_compare_##p(vf64 a, vf64 b) { return COMPARE_F64(a, b, p); }          \
    OVERLOADED vi32 quiet_compare_##p(vf32 a, vf32 b) { return COMPARE_F32(a, b, p); }
QUIET_COMPARE(17)
QUIET_COMPARE(18)
#endif

/* Whether any lane of a mask is set: the one test before a rarely taken branch. */
OVERLOADED int any(vi64 mask) { return __builtin_reduce_or(mask) != 0; }
OVERLOADED int any(vi32 mask) { return __builtin_reduce_or(mask) != 0; }
#endif

/* The address of a table of constants, whatever the address of the code. */
#ifdef __x86_64__
#define ADDRESS(table)                                                                             \
    ({                                                                                            \
        __typeof__(&table[0]) address_;                                                           \
        __asm__("leaq %c1(%%rip), %0" : "=r"(address_) : "i"(table));                             \
        address_;                                                                                 \
    })
#else
#define ADDRESS(table) (&table[0])
#endif

/* First in a function that raises flags on purpose: no operation in it is left out, or made where C
   does not make it.  All of x86 is compiled so (cpnum/toolchain/compiler.py); on AArch64 clang then
   splits comparisons of floats, so it is asked for only here. */
#define FLAGS_MATTER _Pragma("clang fp exceptions(maytrap)")

#define UNLIKELY(condition) __builtin_expect(condition, 0)

#endif
