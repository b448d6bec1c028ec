/* Loads, stores and scalars.  A layout is a stencil: contiguous, strided (any stride, 64 bits,
   negative too) or broadcast; a _tail stencil is the same for the last elements of the range,
   fewer than LANES.

   With masks (x86-64-v4) a tail is done at once: the lanes past the end repeat the last element, so
   that they raise no flag that a real element does not raise.  Elsewhere it is done an element at
   a time, the same element in each lane.  A boolean is a byte in memory, any but 0 is true. */

#include "stencil.h"

typedef VECTOR(unsigned char) vector_of_bytes;

/* What one element is in memory, and a vector of them, at any alignment and any alias. */
#define IN_MEMORY(T, element, vector)                                                             \
    typedef element __attribute__((aligned(1), may_alias)) element_##T;                           \
    typedef vector __attribute__((aligned(1), may_alias)) contiguous_##T
IN_MEMORY(f64, double, vf64);
IN_MEMORY(f32, float, vf32);
IN_MEMORY(i64, long, vi64);
IN_MEMORY(i32, int, vi32);
IN_MEMORY(b, unsigned char, vector_of_bytes);

/* Keeps the bytes together in a vector register: clang would take each from the mask's wide lane,
   through more general registers than it has. */
#ifdef __aarch64__
#define IN_VECTOR "+w"
#else
#define IN_VECTOR "+v"
#endif
INLINE vector_of_bytes packed(vector_of_bytes bytes) {
#if VECTOR_BYTES / LANE > 8
    __asm__("" : IN_VECTOR(bytes));
#elif VECTOR_BYTES / LANE == 8 && !defined(__aarch64__)
    double low = AS(double, bytes); /* asm takes 8 bytes in a vector register only as a double */
    __asm__("" : IN_VECTOR(low));
    bytes = AS(vector_of_bytes, low);
#endif
    return bytes;
}

#define SAME_VALUE(x) (x)
#define TO_MASK(x) CONVERT(vb, (x) != 0)
#define TO_BYTES(x) packed(CONVERT(vector_of_bytes, x) & 1)
#define READ_f64 SAME_VALUE
#define READ_f32 SAME_VALUE
#define READ_i64 SAME_VALUE
#define READ_i32 SAME_VALUE
#define READ_b TO_MASK
#define SCALAR_f64 SAME_VALUE
#define SCALAR_f32 SAME_VALUE
#define SCALAR_i64 SAME_VALUE
#define SCALAR_i32 SAME_VALUE
#define SCALAR_b(x) -((x) != 0)
#define WRITE_f64 SAME_VALUE
#define WRITE_f32 SAME_VALUE
#define WRITE_i64 SAME_VALUE
#define WRITE_i32 SAME_VALUE
#define WRITE_b TO_BYTES

#define SPLAT(T, address) ((v##T)(SCALAR_##T(*(element_##T *)(address))))

#define LOAD(T, name, value)                                                                      \
    TO(NEXT, name##_##T##_next, v##T result);                                                     \
    DEFINE(name##_##T, v##T result) { CONTINUE name##_##T##_next(SAME, value); }
#define STORE(T, name, statement)                                                                 \
    TO(NEXT, name##_##T##_next, v##T a);                                                          \
    DEFINE(name##_##T, v##T a) {                                                          \
        contiguous_##T elements = WRITE_##T(a);                                                   \
        statement;                                                                                \
        CONTINUE name##_##T##_next(SAME, a);                                                      \
    }

/* Where the next element is, and where those of a later vector are, when several are loaded at
   once: OFFSET bytes, or AHEAD elements, further on. */
#define CONTIGUOUS(T) (p0 + i * (long)sizeof(element_##T))
#define FURTHER_ON(T) (CONTIGUOUS(T) + HOLE(OFFSET))
/* A pointer walks over the lanes, by `step` to lane k.  The empty asm hides from clang that its steps could be summed,
   which would take more general registers than there are beside the array pointers. */
#define WALK(T, first, step)                                                                             \
    long stride_ = IN_BLOCK(long, SLOT);                                                          \
    char *at_ = p0 + (first) * stride_;                                                                 \
    _Pragma("unroll") for (int k = 0; k < LANES; k++, at_ += (step), ({ __asm__ volatile("" : "+r"(at_) : : "memory"); }))
#define AT(T) (*(element_##T *)at_)
#define STRIDED(T, first, step)                                                                          \
    ({                                                                                            \
        contiguous_##T elements_;                                                                 \
        WALK(T, first, step) elements_[k] = AT(T);                                                     \
        elements_;                                                                                \
    })

#define MEMORY(T, ...)                                                                            \
    LOAD(T, load, READ_##T(*(contiguous_##T *)FURTHER_ON(T)))                                     \
    LOAD(T, load_strided, READ_##T(STRIDED(T, i + HOLE(AHEAD), stride_)))                                          \
    LOAD(T, load_broadcast, SPLAT(T, p0))                                                         \
    LOAD(T, argument, SPLAT(T, block + HOLE(SLOT)))                                               \
    LOAD(T, constant, SPLAT(T, &POOL))                                                            \
    STORE(T, store, *(contiguous_##T *)FURTHER_ON(T) = elements)                                  \
    STORE(T, store_strided, WALK(T, i + HOLE(AHEAD), stride_) AT(T) = elements[k])                                  \
    TAIL(T)

/* Where a constant of the kernel lies: the emitter gives it a place in the kernel's pool. */
extern const char POOL __attribute__((visibility("hidden")));

#if VECTOR_BYTES == 64
/* The lanes that lie before `end`, as a mask of bits. */
typedef BITS(LANES) lane_bits;
#if LANE == 8
typedef unsigned char lane_word;
#elif LANE == 4
typedef unsigned short lane_word;
#else
typedef unsigned long lane_word;
#endif
#define REMAINING AS(lane_bits, (lane_word)__builtin_ia32_bzhi_di(~0ul, end - i))
#define TAIL(T)                                                                                   \
    LOAD(T, load_tail,                                                                            \
         READ_##T(__builtin_masked_load(REMAINING, (element_##T *)CONTIGUOUS(T),                  \
                                        (contiguous_##T)(((element_##T *)p0)[end - 1]))))         \
    LOAD(T, load_strided_tail, READ_##T(STRIDED(T, i, k < end - i ? stride_ : 0)))               \
    STORE(T, store_tail, __builtin_masked_store(REMAINING, elements, (element_##T *)CONTIGUOUS(T))) \
    STORE(T, store_strided_tail,                                                                  \
          WALK(T, i, stride_) if (k < end - i) AT(T) = elements[k])
#else
#define TAIL(T)                                                                                   \
    LOAD(T, load_tail, SPLAT(T, CONTIGUOUS(T)))                                                   \
    LOAD(T, load_strided_tail, SPLAT(T, p0 + i * IN_BLOCK(long, SLOT)))                           \
    STORE(T, store_tail, *(element_##T *)CONTIGUOUS(T) = elements[0])                             \
    STORE(T, store_strided_tail, *(element_##T *)(p0 + i * IN_BLOCK(long, SLOT)) = elements[0])
#endif

EACH(MEMORY)
