/* OP defines the stencils of one operator, in ops.c or in a C text for `cpnum.operator`.

   OP(name, types, cells): a cell has the expression for the dtypes of a family, FLOAT, INT or BOOL,
   for one of them, F64 or F32, or for ALL, and there is no stencil for a dtype that has no cell.
   a, b, c, d (and m, a mask) are the operands, vectors of LANES elements; a boolean is all ones or
   all zeros.  K(x) and N(x) are a floating and an integer constant in each lane. */

#ifndef CPNUM_OP_H
#define CPNUM_OP_H

#include "stencil.h"

#if LANE > 1
#include "elementary.h" /* written from cpnum/tables/ops.py */
#include "math/integer_division.h"
#include "math/integer_divisor.h"
#include "math/modf.h"
#include "math/modulo.h"
#include "math/neighbours.h"
#include "math/scaling.h"
#endif

/* Constants of a's type.  Not converted from another type: with -ffp-exception-behavior=maytrap
   clang leaves even the conversion of 1 to 1.0 to run time. */
#define K(x) ((__typeof__(a))_Generic(a, vf64: x, vf32: x##f))
#define INF ((__typeof__(a))_Generic(a, vf64: __builtin_inf(), vf32: __builtin_inff()))
#define NAN_OF(a) ((__typeof__(a))_Generic(a, vf64: __builtin_nan(""), vf32: __builtin_nanf("")))
#define N(x) ((__typeof__(a))(x))
/* NumPy's factors: 180 / pi and pi / 180, computed in the type. */
#define DEGREES ((__typeof__(a))_Generic(a, vf64: 0x1.ca5dc1a63c1f8p+5, vf32: 0x1.ca5dcp+5f))
#define RADIANS ((__typeof__(a))_Generic(a, vf64: 0x1.1df46a2529d39p-6, vf32: 0x1.1df46ap-6f))

#define FLOATING_SIGN(a) ((a == K(0.0)) ? K(0.0) : ((a != a) ? a : COPYSIGN(K(1.0), a)))

/* A nan stays one; b is for both zeros. */
#define HEAVISIDE(a, b)                                                                            \
    ((a == K(0.0)) ? b : ((a != a) ? a : ((AS_INTEGER(a) < 0) ? K(0.0) : K(1.0))))

/* The sign of the gamma function.  It has none at 0, -1, -2, ..., but SciPy gives 0 the sign of the
   infinity there.  Between these, it depends on whether the whole number below is even. */
#define GAMMASGN(a)                                                                                \
    ({                                                                                             \
        __typeof__(a) below_ = FLOOR(a), half_ = below_ * K(0.5);                                  \
        __typeof__(a) other_ = (FLOOR(half_) == half_) ? K(1.0) : K(-1.0);                         \
        other_ = (below_ == a) ? ((a == K(0.0)) ? K(-1.0) : NAN_OF(a)) : other_;                   \
        (a != a) ? a : ((AS_INTEGER(a) < 0) ? other_ : K(1.0));                                    \
    })

/* As integers, the absolute values of floats keep their order, and a NaN raises no flag. */
#define AS_INTEGER(a) AS(__typeof__(a == a), a)
#define FINITE(a) (AS_INTEGER(ABS(a)) < AS_INTEGER(INF))

/* NumPy's choices, measured on 2.4: of equal operands (0.0 and -0.0) the second; minimum and
   maximum return a NaN from either side, fmin and fmax the other operand. */
#define MINIMUM(a, b) ((LESS(a, b) | (a != a)) ? a : b)
#define MAXIMUM(a, b) ((LESS(b, a) | (a != a)) ? a : b)
#define FMIN(a, b) ((LESS(a, b) | (b != b)) ? a : b)
#define FMAX(a, b) ((LESS(b, a) | (b != b)) ? a : b)

/* np.clip between scalars: the upper bound wins over the lower, a value equal to a bound keeps its
   sign, a NaN bound gives NaN.  (Between arrays NumPy takes maximum and minimum.) */
#define CLIP(a, low, high)                                                                         \
    ({                                                                                             \
        __typeof__(a) raised_ = (LESS(a, low) | (low != low)) ? low : a;                           \
        (LESS(high, raised_) | (high != high)) ? high : raised_;                                   \
    })
#define CLIP_INT(a, low, high)                                                                     \
    ({                                                                                             \
        __typeof__(a) raised_ = (a < low) ? low : a;                                               \
        (raised_ > high) ? high : raised_;                                                         \
    })

/* A count outside 0 <= count < WIDTH shifts every bit out; the processor would take it modulo
   WIDTH, and C leaves it undefined. */
#define WIDTH ((long)(8 * sizeof(a[0])))
#define IN_WIDTH(count) ((count >= 0) & (count < N(WIDTH)))
#define LEFT_SHIFT(a, b) (IN_WIDTH(b) ? a << (b & N(WIDTH - 1)) : N(0))
#define RIGHT_SHIFT(a, b) (a >> (IN_WIDTH(b) ? b : N(WIDTH - 1)))

#if LANE > 1
/* 1 / 0 is the lowest integer in NumPy, and raises divide and, as infinity is no integer, invalid.
   Real operations raise them here: 1 / 0, and infinity less itself, which is NaN. */
#define INTEGER_RECIPROCAL(a) integer_reciprocal(a)
#define CONSTANT_ONE(type) _Generic((type){}, vf64: 1.0, vf32: 1.0f)
#define DEFINE_INTEGER_RECIPROCAL(integer, floating)                                               \
    OVERLOADED integer integer_reciprocal(integer a) {                                             \
        FLAGS_MATTER                                                                               \
        floating one = (floating)CONSTANT_ONE(floating);                                           \
        floating quotient = one / ((a == 0) ? (floating){} : one);                                 \
        floating nothing = quotient - quotient;                                                    \
        integer lowest = (integer)1 << (WIDTH - 1);                                                \
        return (nothing != nothing) ? lowest : (((a == 1) | (a == -1)) ? a : (integer)0);          \
    }
DEFINE_INTEGER_RECIPROCAL(vi64, vf64)
DEFINE_INTEGER_RECIPROCAL(vi32, vf32)
#endif

/* The function of stencils/math/ for the operands' dtype; float64 has no place in narrow lanes. */
#if LANE == 8
#define MATH(name, ...) _Generic(a, vf64: name##_f64, vf32: name##_f32)(__VA_ARGS__)
#else
#define MATH(name, ...) name##_f32(__VA_ARGS__)
#endif

/* One macro a signature: T the operands' dtype, M a mask, E an int32, the exponent of a number. */
#define T_T(T, name, value) UNARY(name##_##T, v##T, v##T, value)
#define T_M(T, name, value) UNARY(name##_##T, v##T, vb, CONVERT(vb, value))
#define M_M(T, name, value) UNARY(name##_##T, vb, vb, value)
/* Several results, the members of a structure. */
#define T_TT(T, name, value) UNARY_OF_TWO(name##_##T, v##T, v##T, value)
#define T_TE(T, name, value) UNARY_OF_TWO(name##_##T, v##T, vi32, value)
#define TT_TT(T, name, value)                                                                      \
    TO(NEXT, name##_##T##_next, v##T a, v##T b, v##T first, v##T second);                          \
    DEFINE(name##_##T, v##T a, v##T b, v##T first, v##T second) {                                  \
        __typeof__(value) both = value;                                                            \
        CONTINUE name##_##T##_next(SAME, a, b, both.first, both.second);                           \
    }
#define T_TTT(T, name, value)                                                                      \
    TO(NEXT, name##_##T##_next, v##T a, v##T first, v##T second, v##T third);                      \
    DEFINE(name##_##T, v##T a, v##T first, v##T second, v##T third) {                              \
        __typeof__(value) all = value;                                                             \
        CONTINUE name##_##T##_next(SAME, a, all.first, all.second, all.third);                     \
    }
#define TT_T(T, name, value) BINARY(name##_##T, v##T, v##T, v##T, value)
#define TE_T(T, name, value) BINARY(name##_##T, v##T, vi32, v##T, value)
#define MM_M(T, name, value) BINARY(name##_##T, vb, vb, vb, value)
#define TTT_T(T, name, value) TERNARY(name##_##T, v##T, v##T, value)
#define TTTT_T(T, name, value)                                                                     \
    TO(NEXT, name##_##T##_next, v##T a, v##T b, v##T c, v##T d, v##T result);                      \
    DEFINE(name##_##T, v##T a, v##T b, v##T c, v##T d, v##T result) {                              \
        CONTINUE name##_##T##_next(SAME, a, b, c, d, value);                                       \
    }
#define MTT_T(T, name, value)                                                                      \
    TO(NEXT, name##_##T##_next, vb mask, v##T a, v##T b, v##T result);                             \
    DEFINE(name##_##T, vb mask, v##T a, v##T b, v##T result) {                                     \
        select_##T m = CONVERT(select_##T, mask);                                                  \
        CONTINUE name##_##T##_next(SAME, mask, a, b, value);                                       \
    }
/* Two stencils: one leaves c alone, in the other (tied) the result takes the register of c. */
#define TTC_T(T, name, value)                                                                      \
    TTT_T(T, name, value)                                                                          \
    TO(NEXT_TIED, name##_tied_##T##_next, v##T a, v##T b, v##T c);                                 \
    DEFINE(name##_tied_##T, v##T a, v##T b, v##T c) {                                              \
        CONTINUE name##_tied_##T##_next(SAME, a, b, value);                                        \
    }
/* A comparison is two stencils: its mask, and where(a ? b, c, d) without the mask. */
#define TT_M(T, name, value)                                                                       \
    BINARY(name##_##T, v##T, v##T, vb, CONVERT(vb, value))                                         \
    TO(NEXT, where_##name##_##T##_next, v##T a, v##T b, v##T c, v##T d, v##T result);              \
    DEFINE(where_##name##_##T, v##T a, v##T b, v##T c, v##T d, v##T result) {                      \
        CONTINUE where_##name##_##T##_next(SAME, a, b, c, d, (value) ? c : d);                     \
    }

#define UNARY(name, operand, type, value)                                                          \
    TO(NEXT, name##_next, operand a, type result);                                                 \
    DEFINE(name, operand a, type result) { CONTINUE name##_next(SAME, a, value); }
#define UNARY_OF_TWO(name, operand, second_type, value)                                            \
    TO(NEXT, name##_next, operand a, operand first, second_type second);                           \
    DEFINE(name, operand a, operand first, second_type second) {                                   \
        __typeof__(value) both = value;                                                            \
        CONTINUE name##_next(SAME, a, both.first, both.second);                                    \
    }
#define BINARY(name, operand, other, type, value)                                                  \
    TO(NEXT, name##_next, operand a, other b, type result);                                        \
    DEFINE(name, operand a, other b, type result) { CONTINUE name##_next(SAME, a, b, value); }
#define TERNARY(name, operand, type, value)                                                        \
    TO(NEXT, name##_next, operand a, operand b, operand c, type result);                           \
    DEFINE(name, operand a, operand b, operand c, type result) {                                   \
        CONTINUE name##_next(SAME, a, b, c, value);                                                \
    }

/* OP(add, TT_T, FLOAT(a + b)) is TT_T(T, add, (a + b)) for each T of FLOAT_DTYPES that has a place
   in these lanes.  A cell is first taken apart, into its dtypes and its expression. */
#define DTYPES_FLOAT(...) FLOAT_DTYPES, __VA_ARGS__
#define DTYPES_INT(...) INT_DTYPES, __VA_ARGS__
#define DTYPES_BOOL(...) BOOL_DTYPES, __VA_ARGS__
#define DTYPES_ALL(...) DTYPES, __VA_ARGS__
#define DTYPES_F64(...) DTYPE_f64, __VA_ARGS__
#define DTYPES_F32(...) DTYPE_f32, __VA_ARGS__

#define FITTING(T, element, bytes, family, types, name, ...)                                       \
    FITS_##bytes(types(T, name, (__VA_ARGS__)))
#define EACH(types, name, dtypes, ...) dtypes(FITTING, types, name, __VA_ARGS__)
#define EXPAND_EACH(...) EACH(__VA_ARGS__)
#define CELL(types, name, cell) EXPAND_EACH(types, name, DTYPES_##cell)

/* One to three cells. */
#define OP(name, types, cell, ...)                                                                 \
    CELL(types, name, cell) __VA_OPT__(OP_2(name, types, __VA_ARGS__))
#define OP_2(name, types, cell, ...)                                                               \
    CELL(types, name, cell) __VA_OPT__(CELL(types, name, __VA_ARGS__))

#endif
