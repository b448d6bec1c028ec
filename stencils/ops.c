/* The operators: one line each, and each line a row of the same name in cpnum/tables/ops.py.

   OP(name, types, cells): a cell has the expression for the dtypes of a family, FLOAT, INT or BOOL,
   for one of them, F64 or F32, or for ALL, and there is no stencil for a dtype that has no cell.
   a, b, c (and m, a mask) are the operands, vectors of LANES elements; a boolean is all ones or all
   zeros.  K(x) and N(x) are a floating and an integer constant in each lane. */

#include "stencil.h"

#if LANE > 1
#include "elementary.h" /* written from cpnum/tables/ops.py */
#endif

/* Constants of a's type.  Not converted from another type: with -ffp-exception-behavior=maytrap
   clang leaves even the conversion of 1 to 1.0 to run time. */
#define K(x) ((__typeof__(a))_Generic(a, vf64: x, vf32: x##f))
#define INF ((__typeof__(a))_Generic(a, vf64: __builtin_inf(), vf32: __builtin_inff()))
#define N(x) ((__typeof__(a))(x))
/* NumPy's factors: 180 / pi and pi / 180, computed in the type. */
#define DEGREES ((__typeof__(a))_Generic(a, vf64: 0x1.ca5dc1a63c1f8p+5, vf32: 0x1.ca5dcp+5f))
#define RADIANS ((__typeof__(a))_Generic(a, vf64: 0x1.1df46a2529d39p-6, vf32: 0x1.1df46ap-6f))

#define FLOATING_SIGN(a) ((a == K(0.0)) ? K(0.0) : ((a != a) ? a : COPYSIGN(K(1.0), a)))

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

/* One macro a signature: T the operands' dtype, M a mask. */
#define T_T(T, name, value) UNARY(name##_##T, v##T, v##T, value)
#define T_M(T, name, value) UNARY(name##_##T, v##T, vb, CONVERT(vb, value))
#define M_M(T, name, value) UNARY(name##_##T, vb, vb, value)
/* Two results, the first and the second of a structure. */
#define T_TT(T, name, value)                                                                       \
    TO(NEXT, name##_##T##_next, v##T a, v##T first, v##T second);                                  \
    DEFINE(name##_##T, v##T a, v##T first, v##T second) {                                          \
        __typeof__(value) both = value;                                                            \
        CONTINUE name##_##T##_next(SAME, a, both.first, both.second);                              \
    }
#define TT_T(T, name, value) BINARY(name##_##T, v##T, v##T, value)
#define MM_M(T, name, value) BINARY(name##_##T, vb, vb, value)
#define TTT_T(T, name, value) TERNARY(name##_##T, v##T, v##T, value)
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
    BINARY(name##_##T, v##T, vb, CONVERT(vb, value))                                               \
    TO(NEXT, where_##name##_##T##_next, v##T a, v##T b, v##T c, v##T d, v##T result);              \
    DEFINE(where_##name##_##T, v##T a, v##T b, v##T c, v##T d, v##T result) {                      \
        CONTINUE where_##name##_##T##_next(SAME, a, b, c, d, (value) ? c : d);                     \
    }

#define UNARY(name, operand, type, value)                                                          \
    TO(NEXT, name##_next, operand a, type result);                                                 \
    DEFINE(name, operand a, type result) { CONTINUE name##_next(SAME, a, value); }
#define BINARY(name, operand, type, value)                                                         \
    TO(NEXT, name##_next, operand a, operand b, type result);                                      \
    DEFINE(name, operand a, operand b, type result) { CONTINUE name##_next(SAME, a, b, value); }
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

/* clang-format off */
OP(add,                TT_T,  FLOAT(a + b),            INT(a + b),             BOOL(a | b))
OP(subtract,           TT_T,  FLOAT(a - b),            INT(a - b))
OP(multiply,           TT_T,  FLOAT(a * b),            INT(a * b),             BOOL(a & b))
OP(divide,             TT_T,  FLOAT(a / b))
OP(negative,           T_T,   FLOAT(-a),               INT(-a))
OP(absolute,           T_T,   FLOAT(ABS(a)),           INT((a < 0) ? -a : a),  BOOL(a))
OP(square,             T_T,   FLOAT(a * a),            INT(a * a))
OP(sqrt,               T_T,   FLOAT(SQRT(a)))
OP(reciprocal,         T_T,   FLOAT(K(1.0) / a),       INT(INTEGER_RECIPROCAL(a)))
OP(sign,               T_T,   FLOAT(FLOATING_SIGN(a)), INT((a < 0) ? N(-1) : -(a > 0)))
OP(copysign,           TT_T,  FLOAT(COPYSIGN(a, b)))
OP(floor,              T_T,   FLOAT(FLOOR(a)),         INT(a),                 BOOL(a))
OP(ceil,               T_T,   FLOAT(CEIL(a)),          INT(a),                 BOOL(a))
OP(trunc,              T_T,   FLOAT(TRUNC(a)),         INT(a),                 BOOL(a))
OP(rint,               T_T,   FLOAT(RINT(a)))
OP(degrees,            T_T,   FLOAT(a * DEGREES))
OP(radians,            T_T,   FLOAT(a * RADIANS))
OP(minimum,            TT_T,  FLOAT(MINIMUM(a, b)),    INT((a < b) ? a : b),   BOOL(a & b))
OP(maximum,            TT_T,  FLOAT(MAXIMUM(a, b)),    INT((a > b) ? a : b),   BOOL(a | b))
OP(fmin,               TT_T,  FLOAT(FMIN(a, b)),       INT((a < b) ? a : b),   BOOL(a & b))
OP(fmax,               TT_T,  FLOAT(FMAX(a, b)),       INT((a > b) ? a : b),   BOOL(a | b))
OP(clip,               TTT_T, FLOAT(CLIP(a, b, c)),    INT(CLIP_INT(a, b, c)), BOOL((a | b) & c))
OP(equal,              TT_M,  FLOAT(a == b),           INT(a == b),            BOOL(~(a ^ b)))
OP(not_equal,          TT_M,  FLOAT(a != b),           INT(a != b),            BOOL(a ^ b))
OP(less,               TT_M,  FLOAT(LESS(a, b)),       INT(a < b),             BOOL(~a & b))
OP(less_equal,         TT_M,  FLOAT(LESS_EQUAL(a, b)), INT(a <= b),            BOOL(~a | b))
OP(greater,            TT_M,  FLOAT(LESS(b, a)),       INT(a > b),             BOOL(a & ~b))
OP(greater_equal,      TT_M,  FLOAT(LESS_EQUAL(b, a)), INT(a >= b),            BOOL(a | ~b))
OP(isnan,              T_M,   ALL(a != a))
OP(isinf,              T_M,   FLOAT(ABS(a) == INF),    INT(a != a),            BOOL(a != a))
OP(isfinite,           T_M,   FLOAT(FINITE(a)),        INT(a == a),            BOOL(a == a))
OP(logical_and,        MM_M,  BOOL(a & b))
OP(logical_or,         MM_M,  BOOL(a | b))
OP(logical_xor,        MM_M,  BOOL(a ^ b))
OP(logical_not,        M_M,   BOOL(~a))
OP(bitwise_and,        TT_T,  INT(a & b),              BOOL(a & b))
OP(bitwise_or,         TT_T,  INT(a | b),              BOOL(a | b))
OP(bitwise_xor,        TT_T,  INT(a ^ b),              BOOL(a ^ b))
OP(invert,             T_T,   INT(~a),                 BOOL(~a))
OP(left_shift,         TT_T,  INT(LEFT_SHIFT(a, b)))
OP(right_shift,        TT_T,  INT(RIGHT_SHIFT(a, b)))
OP(where,              MTT_T, ALL(m ? a : b))
OP(exp,                T_T,   FLOAT(MATH(exp, a)))
OP(exp2,               T_T,   FLOAT(MATH(exp2, a)))
OP(expm1,              T_T,   FLOAT(MATH(expm1, a)))
OP(log,                T_T,   FLOAT(MATH(log, a)))
OP(log2,               T_T,   FLOAT(MATH(log2, a)))
OP(log10,              T_T,   FLOAT(MATH(log10, a)))
OP(log1p,              T_T,   FLOAT(MATH(log1p, a)))
OP(logaddexp,          TT_T,  FLOAT(MATH(logaddexp, a, b)))
OP(logaddexp2,         TT_T,  FLOAT(MATH(logaddexp2, a, b)))
OP(arcsinh,            T_T,   FLOAT(MATH(arcsinh, a)))
OP(arccosh,            T_T,   FLOAT(MATH(arccosh, a)))
OP(arctanh,            T_T,   FLOAT(MATH(arctanh, a)))
OP(sin,                T_T,   FLOAT(MATH(sin, a)))
OP(cos,                T_T,   FLOAT(MATH(cos, a)))
OP(tan,                T_T,   FLOAT(MATH(tan, a)))
OP(sinc,               T_T,   FLOAT(MATH(sinc, a)))
OP(arcsin,             T_T,   FLOAT(MATH(arcsin, a)))
OP(arccos,             T_T,   FLOAT(MATH(arccos, a)))
OP(arctan,             T_T,   FLOAT(MATH(arctan, a)))
OP(arctan2,            TT_T,  FLOAT(MATH(arctan2, a, b)))
OP(sinh,               T_T,   FLOAT(MATH(sinh, a)))
OP(cosh,               T_T,   FLOAT(MATH(cosh, a)))
OP(tanh,               T_T,   FLOAT(MATH(tanh, a)))
OP(power,              TT_T,  FLOAT(MATH(power, a, b)))
OP(hypot,              TT_T,  FLOAT(MATH(hypot, a, b)))
OP(cbrt,               T_T,   FLOAT(MATH(cbrt, a)))
OP(erf,                T_T,   FLOAT(MATH(erf, a)))
OP(erfc,               T_T,   FLOAT(MATH(erfc, a)))
OP(expit,              T_T,   FLOAT(MATH(expit, a)))
OP(sincos,             T_TT,  FLOAT(MATH(sincos, a)))
OP(logit,              T_T,   FLOAT(MATH(logit, a)))
OP(gammaln,            T_T,   FLOAT(MATH(gammaln, a)))
OP(gamma,              T_T,   FLOAT(MATH(gamma, a)))
OP(multiply_add,       TTC_T, FLOAT(FMA(a, b, c)))
OP(approximate_divide, TT_T,  F32(approximate_divide_f32(a, b)))
OP(expm1_fast,         T_T,   FLOAT(MATH(expm1_fast, a)))
OP(log2_fast,          T_T,   F64(log2_fast_f64(a)))
OP(log10_fast,         T_T,   F64(log10_fast_f64(a)))
OP(arcsinh_fast,       T_T,   F64(arcsinh_fast_f64(a)))
OP(arccosh_fast,       T_T,   F64(arccosh_fast_f64(a)))
OP(arctanh_fast,       T_T,   F64(arctanh_fast_f64(a)))
OP(sin_fast,           T_T,   FLOAT(MATH(sin_fast, a)))
OP(cos_fast,           T_T,   FLOAT(MATH(cos_fast, a)))
OP(sincos_fast,        T_TT,  FLOAT(MATH(sincos_fast, a)))
OP(tan_fast,           T_T,   FLOAT(MATH(tan_fast, a)))
OP(sinc_fast,          T_T,   FLOAT(MATH(sinc_fast, a)))
OP(arcsin_fast,        T_T,   FLOAT(MATH(arcsin_fast, a)))
OP(arccos_fast,        T_T,   FLOAT(MATH(arccos_fast, a)))
OP(arctan_fast,        T_T,   FLOAT(MATH(arctan_fast, a)))
OP(arctan2_fast,       TT_T,  FLOAT(MATH(arctan2_fast, a, b)))
OP(tanh_fast,          T_T,   F64(tanh_fast_f64(a)))
OP(hypot_fast,         TT_T,  FLOAT(MATH(hypot_fast, a, b)))
OP(logit_fast,         T_T,   F64(logit_fast_f64(a)))
OP(gammaln_fast,       T_T,   F64(gammaln_fast_f64(a)))
/* clang-format on */
