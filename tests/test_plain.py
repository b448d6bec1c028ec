"""The plain words for instructions: every instruction of the packs has them, and they are right.

The examples follow the manuals: Intel SDM vol. 2, and Arm DDI 0487, chapters C6 and C7.
"""

import functools
import itertools

import pytest
from reports import arguments, wave

from cpnum import cpjit
from cpnum.pack.disassembly import disassembled
from cpnum.pack.stencil import load
from cpnum.show import plain_aarch64, plain_x86
from cpnum.show.plain import plain
from cpnum.show.plain_x86_forms import TERNARY
from cpnum.tables.isa import LEVELS

TABLES = {"x86_64": plain_x86, "aarch64": plain_aarch64}

# Instructions that only lessons have.
LESSONS = {"x86_64": {f"v{each}s{kind}" for each in ("add", "sub", "mul", "div") for kind in "ds"}}
X86 = {
    # arithmetic of lanes
    "vaddpd zmm2, zmm0, zmm1": "zmm2 = zmm0 + zmm1, in 8 lanes of float64",
    "vaddps ymm10, ymm9, dword ptr [rip + 0x20]{1to8}": (
        "ymm10 = ymm9 + memory[rip + 0x20], one float32 for 8 lanes"
    ),
    "vdivpd ymm2, ymm9, ymmword ptr [rsp - 0x80]": (
        "ymm2 = ymm9 / memory[rsp - 0x80], in 4 lanes of float64"
    ),
    "imul rax, rdi": "rax = rax × rdi",
    "imul rax, qword ptr [rdi], 3": "rax = memory[rdi] × 3, int64",
    "vmulsd xmm2, xmm2, xmm0": "xmm2 = xmm2 × xmm0, in lane 0 alone, float64",
    "vsqrtps xmm5, xmm4": "xmm5 = sqrt(xmm4), in 4 lanes of float32",
    "vminpd ymm2, ymm2, ymm4": "ymm2 = ymm2 if ymm2 < ymm4 else ymm4, in 4 lanes of float64",
    "vfmadd231pd ymm0, ymm1, ymm2": (
        "ymm0 = ymm1 × ymm2 + ymm0, in 4 lanes of float64, rounded once"
    ),
    "vfmadd132ps zmm4, zmm2, dword ptr [rip]{1to16}": (
        "zmm4 = zmm4 × memory[rip] + zmm2, one float32 for 16 lanes, rounded once"
    ),
    "vfmsub213pd zmm4, zmm2, zmm5": (
        "zmm4 = zmm2 × zmm4 - zmm5, in 8 lanes of float64, rounded once"
    ),
    "vfnmadd231ps xmm4, xmm5, xmm6": (
        "xmm4 = xmm4 - xmm5 × xmm6, in 4 lanes of float32, rounded once"
    ),
    "vfnmsub213pd ymm5, ymm4, ymm2": (
        "ymm5 = -(ymm4 × ymm5) - ymm2, in 4 lanes of float64, rounded once"
    ),
    "vscalefpd zmm28, zmm29, zmm2": "zmm28 = zmm29 × 2**floor(zmm2), in 8 lanes of float64",
    "vroundpd ymm1, ymm0, 9": "ymm1 = floor(ymm0), in 4 lanes of float64",
    "vrndscaleps zmm1, zmm0, 4": "zmm1 = rint(zmm0), in 16 lanes of float32",
    "vrndscaleps zmm1, zmm0, 0x1b": "zmm1 = trunc(zmm0 × 2**1) / 2**1, in 16 lanes of float32",
    "vpaddd ymm1 {k1}, ymm5, ymm7": "ymm1 = ymm5 + ymm7, in 8 lanes of int32 where k1 is set",
    "vpsllvq zmm2 {k1} {z}, zmm0, zmm3": (
        "zmm2 = zmm0 << zmm3, in 8 lanes of int64 where k1 is set, else 0"
    ),
    "vpsrad ymm4, ymm3, 0x13": "ymm4 = ymm3 >> 19, in 8 lanes of int32",
    "vpsrlq zmm3, zmm5, 0x31": "zmm3 = zmm5 >> 49, in 8 lanes of uint64",
    "vpminuw ymm6, ymm6, ymm9": "ymm6 = min(ymm6, ymm9), in 16 lanes of uint16",
    "vpmaxsd xmm4, xmm4, xmm5": "xmm4 = max(xmm4, xmm5), in 4 lanes of int32",
    "vpmuludq ymm2, ymm2, ymm0": (
        "ymm2 = low uint32 of ymm2 × low uint32 of ymm0, in 4 lanes of uint64"
    ),
    "vshuff64x2 zmm2, zmm1, zmm1, 0x4e": ("zmm2 = the quarters 2, 3, 0, 1 of zmm1"),
    "vshufi64x2 zmm2, zmm1, zmm3, 0x4e": "zmm2 = the quarters 2, 3 of zmm1 then 0, 1 of zmm3",
    "vshufps zmm1, zmm0, zmm0, 0xb1": (
        "zmm1 = zmm0[1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14], in 16 lanes of float32"
    ),
    "vprold zmm2, zmm1, 0x10": "zmm2 = zmm1 rotated left by 16 bits, in 16 lanes of uint32",
    # comparisons, selections, masks
    "vcmplt_oqpd k0, zmm0, zmm1": "k0 = (zmm0 < zmm1), in 8 lanes of float64",
    "vcmpneqps ymm7, ymm2, ymm5": (
        "ymm7 = all bits 1 where ymm2 != ymm5, else 0, in 8 lanes of float32"
    ),
    "vpcmpnleud k2, ymm6, ymm1": "k2 = (ymm6 > ymm1), in 8 lanes of uint32",
    "vpcmpgtq k6 {k1}, zmm10, zmm11": (
        "k6 = (zmm10 > zmm11), in 8 lanes of int64 where k1 is set, else 0"
    ),
    "vpcmpeqd ymm1, ymm2, ymm2": "ymm1 = all bits 1",
    "vptestnmd k0, ymm2, ymm2": "k0 = (ymm2 == 0), in 8 lanes of int32",
    "vfpclassps k1, zmm1, 0xbf": (
        "k1 = (zmm1 is NaN or 0 or infinite or subnormal), in 16 lanes of float32"
    ),
    "vblendmpd zmm1 {k3}, zmm0, zmm2": (
        "zmm1 = zmm2 where k3 is set, else zmm0, in 8 lanes of float64"
    ),
    "vblendvps xmm2, xmm6, xmm3, xmm1": (
        "xmm2 = xmm3 where the sign bit of xmm1 is 1, else xmm6, in 4 lanes of float32"
    ),
    "vpmovd2m k2, ymm0": "k2 = the sign bits of ymm0, in 8 lanes of int32",
    "kandnw k2, k3, k0": "k2 = ~k3 & k0, in 16 lanes",
    "kmovw k1, eax": "k1 = the low 16 bits of eax",
    "kortestb k1, k1": "test whether none or all of 8 lanes of k1 are set",
    "vtestpd ymm1, ymm1": "test whether all sign bits of ymm1 are 0, in 4 lanes of float64",
    # bits
    "vandnps ymm4, ymm1, ymm5": "ymm4 = ~ymm1 & ymm5, bit by bit",
    "vorpd zmm3 {k5}, zmm1, zmm2": "zmm3 = zmm1 | zmm2, in 8 lanes of float64 where k5 is set",
    "vpxor xmm1, xmm2, xmm2": "xmm1 = 0",
    "vpternlogq zmm2, zmm0, zmm3, 0xca": "zmm2 = zmm0 if zmm2 else zmm3, bit by bit",
    "vpternlogd zmm1, zmm1, zmm1, 0xff": "zmm1 = all bits 1",
    "vpternlogd zmm1, zmm2, zmm3, 0x11": (
        "zmm1 = the bits of 0x11 that zmm1, zmm2 and zmm3 number, bit by bit"
    ),
    # moves
    "vmovupd ymm1, ymmword ptr [rdi + r13*8]": (
        "load 4 float64 from memory at rdi + r13 × 8 into ymm1"
    ),
    "vmovups zmmword ptr [r12], zmm0": "store 64 bytes from zmm0 to memory at r12",
    "vmovups ymm0 {k1}, ymmword ptr [r15 + r13*4 - 4]": (
        "load 8 float32 from memory at r15 + r13 × 4 - 4 into ymm0 where k1 is set"
    ),
    "vmovdqa32 zmm4 {k4} {z}, zmm3": "zmm4 = zmm3, in 16 lanes of int32 where k4 is set, else 0",
    "vmovsd qword ptr [r15 + r13], xmm1": "store 1 float64 from xmm1[0] to memory at r15 + r13",
    "vmovd xmm0, ebx": "xmm0 = [ebx, 0, 0, 0], of int32",
    "vmovq r10, xmm2": "r10 = xmm2[0], of int64",
    "vbroadcastsd zmm2, qword ptr [rip + 0x40]": (
        "load 1 float64 from memory at rip + 0x40 into 8 lanes of zmm2"
    ),
    "vpbroadcastb zmm0, eax": "zmm0 = the low bits of eax, in 64 lanes of int8",
    "vextractf64x4 ymm4, zmm5, 1": "ymm4 = bytes 32:64 of zmm5",
    "vinserti128 ymm1, ymm2, xmm3, 1": "ymm1 = ymm2 with bytes 16:32 = xmm3",
    "vinsertps xmm1, xmm2, xmm3, 0x98": (
        "xmm1 = xmm2 with lane 1 = xmm3[2], 0 in lanes 3, of float32"
    ),
    "vpinsrb xmm0, xmm0, byte ptr [r10], 0xf": "xmm0 = xmm0 with lane 15 = memory[r10], of int8",
    "vpextrb byte ptr [r15 + rax], xmm1, 0xa": (
        "store 1 int8 from xmm1[10] to memory at r15 + rax"
    ),
    "vmovhps qword ptr [rax], xmm0": "store bytes 8:16 of xmm0 to memory at rax",
    # permutations
    "vpermpd zmm1, zmm3, zmm4": "zmm1[i] = zmm4[zmm3[i] % 8], in 8 lanes of float64",
    "vpermt2pd zmm8, zmm7, zmm9": (
        "zmm8[i] = (zmm8 then zmm9)[zmm7[i] % 16], in 8 lanes of float64"
    ),
    "vpermi2d zmm8, zmm7, zmm9": "zmm8[i] = (zmm7 then zmm9)[zmm8[i] % 32], in 16 lanes of int32",
    "vpermq ymm3, ymm3, 0xe8": "ymm3 = ymm3[0, 2, 2, 3], in 4 lanes of int64",
    "vpshufd ymm7, ymm6, 0xa0": "ymm7 = ymm6[0, 0, 2, 2, 4, 4, 6, 6], in 8 lanes of int32",
    "vshufpd ymm1, ymm2, ymm3, 9": (
        "ymm1 = ymm2[1] then ymm3[0] then ymm2[2] then ymm3[3], in 4 lanes of float64"
    ),
    "vpshufb ymm5, ymm9, ymm1": (
        "ymm5[i] = ymm9[ymm1[i] % 16] if ymm1[i] >= 0 else 0, in 32 lanes of int8, in each 16 bytes"
    ),
    "vunpcklpd xmm1, xmm1, xmm2": (
        "xmm1 = the low halves of xmm1 and xmm2 in turn, in 2 lanes of float64"
    ),
    "vmovsldup ymm2, ymm3": "ymm2 = each even lane of ymm3 twice, in 8 lanes of float32",
    # conversions
    "vcvtps2pd zmm1, ymm0": "zmm1 = ymm0, float32 to float64, in 8 lanes",
    "vcvttpd2dq xmm1, ymm0": "xmm1 = trunc(ymm0), float64 to int32, in 4 lanes",
    "vcvtsi2sd xmm2, xmm4, rax": "xmm2 = xmm4 with lane 0 = rax, int64 to float64",
    "vpmovqb xmm1, zmm0": "xmm1 = low bits of zmm0, int64 to int8, in 8 lanes",
    "vpmovzxbd ymm0, qword ptr [r15 + r13]": (
        "ymm0 = memory[r15 + r13], uint8 to uint32, in 8 lanes"
    ),
    "vpackssdw xmm5, xmm2, xmm3": "xmm5 = xmm2 then xmm3, clipped from int32 to int16",
    # general registers, jumps, the rest
    "mov rax, qword ptr [r12 + 8]": "load 1 int64 from memory at r12 + 8 into rax",
    "mov byte ptr [r15 + rax], r10b": "store 1 int8 from r10b to memory at r15 + rax",
    "movabs r15, <x.data>": "r15 = <x.data>",
    "movzx ebx, byte ptr [r15 + r11]": "load 1 uint8 from memory at r15 + r11 into ebx",
    "lea eax, [rcx + rax*8]": "eax = rcx + rax × 8",
    "add r15, qword ptr [r12]": "r15 += memory[r12], int64",
    "dec qword ptr [r12]": "memory[r12] -= 1, int64",
    "xor eax, eax": "eax = 0",
    "sbb eax, eax": "eax = -1 if below (unsigned), else 0",
    "bzhi rax, r10, rcx": "rax = the low rcx bits of r10",
    "cmp r13, r14": "compare r13 with r14",
    "test al, al": "compare al with 0",
    "cmovge rbp, r10": "rbp = r10 if greater or equal (signed)",
    "jb 0x40": "go to 0x40 if below (unsigned)",
    "jmp 0x3af": "go to 0x3af",
    "push rbp": "push rbp on the stack",
    "ret": "return",
    "vzeroupper": "clear all vectors above their low 16 bytes",
    "vldmxcsr dword ptr [rsp + 0x10]": (
        "load the floating-point state (mxcsr) from memory at rsp + 0x10"
    ),
}

AARCH64 = {
    "rev64 v1.4s, v0.4s": "v1 = v0 with each 2 lanes reversed, in 4 lanes of 32 bits",
    "rev16 v1.16b, v0.16b": "v1 = v0 with each 2 lanes reversed, in 16 lanes of 8 bits",
    "csel w8, wzr, w9, eq": "w8 = 0 if equal (zero), else w9",
    "csinc w8, w9, wzr, eq": "w8 = w9 if equal (zero), else 0 + 1",
    # arithmetic of lanes
    "saddw v4.2d, v4.2d, v6.2s": "v4 = v4 + v6, v6 widened",
    "fadd v2.2d, v0.2d, v1.2d": "v2 = v0 + v1, in 2 lanes of float64",
    "fmul v8.2s, v6.2s, v6.2s": "v8 = v6 × v6, in 2 lanes of float32",
    "fmla v3.4s, v2.4s, v4.4s": "v3 = v2 × v4 + v3, in 4 lanes of float32, rounded once",
    "fmls v4.2d, v2.2d, v5.2d": "v4 = v4 - v2 × v5, in 2 lanes of float64, rounded once",
    "fmaxnm v1.2d, v1.2d, v2.2d": "v1 = fmax(v1, v2), in 2 lanes of float64",
    "frintx v11.2d, v9.2d": "v11 = rint(v9), in 2 lanes of float64",
    "frintm v1.4s, v0.4s": "v1 = floor(v0), in 4 lanes of float32",
    "umin v6.4s, v6.4s, v8.4s": "v6 = min(v6, v8), in 4 lanes of uint32",
    "sshr v6.2d, v13.2d, #0x34": "v6 = v13 >> 52, in 2 lanes of int64",
    "usra v5.2d, v2.2d, #0x14": "v5 = v5 + (v2 >> 20), in 2 lanes of uint64",
    "sshl v2.2s, v0.2s, v3.2s": "v2 = v0 << v3, or >> if negative, in 2 lanes of int32",
    "addp d4, v2.2d": "d4 = the sum of 2 lanes of int64 in v2",
    "addp v5.2s, v2.2s, v3.2s": "v5 = the sum of neighbours in v2 then v3, in 2 lanes of int32",
    "umaxv h3, v4.4h": "h3 = the largest of 4 lanes of uint16 in v4",
    # comparisons, selections, bits
    "fcmgt v2.2d, v2.2d, v0.2d": "v2 = all bits 1 where v2 > v0, else 0, in 2 lanes of float64",
    "fcmeq v3.4s, v3.4s, #0.0": "v3 = all bits 1 where v3 == 0.0, else 0, in 4 lanes of float32",
    "cmhi v1.2d, v2.2d, v3.2d": "v1 = all bits 1 where v2 > v3, else 0, in 2 lanes of uint64",
    "cmlt v3.16b, v0.16b, #0": "v3 = all bits 1 where v0 < 0, else 0, in 16 lanes of int8",
    "cmtst v0.4h, v1.4h, v1.4h": "v0 = all bits 1 where v1 != 0, else 0, in 4 lanes of int16",
    "bsl v7.16b, v6.16b, v0.16b": "v7 = v6 where v7 is 1, else v0, bit by bit",
    "bit v4.8b, v2.8b, v1.8b": "v4 = v2 where v1 is 1, else v4, bit by bit in 8 bytes",
    "bif v6.16b, v7.16b, v1.16b": "v6 = v7 where v1 is 0, else v6, bit by bit",
    "orn v3.16b, v3.16b, v4.16b": "v3 = v3 | ~v4, bit by bit",
    "bic v2.4s, #0x40, lsl #24": "v2 = v2 & ~0x40000000, in 4 lanes of 32 bits",
    "and w10, w10, #1": "w10 = w10 & 1",
    # constants and moves
    "movi v3.2s, #0x3f, lsl #24": "v3 = 0x3f000000, in 2 lanes of 32 bits",
    "movi v4.4s, #0x7f, msl #16": "v4 = 0x7fffff, in 4 lanes of 32 bits",
    "mvni v8.4s, #0x7f, msl #16": "v8 = 0xff800000, in 4 lanes of 32 bits",
    "movi v5.2d, #0000000000000000": "v5 = 0, in 2 lanes of 64 bits",
    "fmov v2.2d, #-0.50000000": "v2 = -0.5, in 2 lanes of float64",
    "fmov x11, d8": "x11 = the bits of d8",
    "movk w8, #0x3d2c, lsl #16": "w8 = w8 with bits 16:32 = 0x3d2c",
    "movk x8, <x.data>": "x8 = x8 with 16 bits of <x.data>",
    "mov v7.8b, v2.8b": "v7 = the low 8 bytes of v2",
    "mov v19.d[1], x8": "v19.d[1] = x8",
    "umov w8, v9.h[0]": "w8 = v9.h[0], uint16",
    "dup v9.4s, w8": "v9 = w8, in 4 lanes of 32 bits",
    "zip1 v7.2d, v7.2d, v8.2d": "v7 = the low halves of v7 and v8 in turn, in 2 lanes of 64 bits",
    "uzp1 v1.8b, v1.8b, v0.8b": "v1 = v1[:8:2] then v0[:8:2], in 8 lanes of 8 bits",
    "ext v19.16b, v17.16b, v18.16b, #8": "v19 = v17[8:16] then v18[:8], in 16 lanes of 8 bits",
    # loads and stores
    "ldr q6, [sp, #0x30]": "load 16 bytes from memory at sp + 0x30 into q6",
    "ldr s9, [x9, w8, sxtw #2]": "load 4 bytes from memory at x9 + signed w8 × 4 into s9",
    "ldr q2, [sp], #0x60": "load 16 bytes from memory at sp into q2, then sp = sp + 0x60",
    "ldrb w8, [x20, x8]": "load 1 uint8 from memory at x20 + x8 into w8",
    "ldp x20, x19, [sp, #0x90]": "load 2 int64 from memory at sp + 0x90 into x20 and x19",
    "ld1 {v0.b}[0xf], [x8], x9": "load 1 byte from memory at x8 into v0.b[15], then x8 = x8 + x9",
    "ld1r {v0.4s}, [x8]": "load 4 bytes from memory at x8 into 4 lanes of v0",
    "str d2, [sp, #0x18]": "store 8 bytes from d2 to memory at sp + 0x18",
    "stp d15, d14, [sp, #-0xa0]!": (
        "store 16 bytes from d15 and d14 to memory at sp - 0xa0, then sp = sp - 0xa0"
    ),
    # conversions
    "scvtf v3.2d, v6.2d": "v3 = v6, int64 to float64, in 2 lanes",
    "scvtf s1, x9": "s1 = x9, int64 to float32",
    "fcvtzs v3.2d, v0.2d": "v3 = trunc(v0), float64 to int64, in 2 lanes",
    "fcvtl2 v7.2d, v7.4s": "v7 = v7[2:], float32 to float64, in 2 lanes",
    "fcvtn2 v11.4s, v16.2d": "v11[2:] = v16, float64 to float32, in 2 lanes",
    "sshll v1.2d, v1.2s, #0": "v1 = v1, int32 to int64, in 2 lanes",
    "ushll v0.4s, v0.4h, #3": "v0 = v0 << 3, uint16 to uint32, in 4 lanes",
    "xtn v8.4h, v8.4s": "v8 = low bits of v8, int32 to int16, in 4 lanes",
    # general registers, branches, the rest
    "add x9, x9, x10, lsl #3": "x9 = x9 + x10 × 8",
    "madd x10, x8, x9, x23": "x10 = x8 × x9 + x23",
    "ubfiz x8, x8, #2, #4": "x8 = (the low 4 bits of x8) << 2",
    "bfxil w0, w8, #1, #3": "w0 = w0 with bits 0:3 = bits 1:4 of w8",
    "subs x9, x9, #1": "compare x9 with 1, then x9 = x9 - 1",
    "csetm w8, ne": "w8 = -1 if not equal (not zero), else 0",
    "fcmp d21, #0.0": "compare d21 with 0.0",
    "tst w8, #0xf": "compare w8 & 0xf with 0",
    "b.ge #0x10": "go to 0x10 if greater or equal (signed)",
    "b #0x3fc": "go to 0x3fc",
    "cbnz x8, #0x4b0": "go to 0x4b0 if x8 != 0",
    "tbnz w8, #0x1f, #0x194": "go to 0x194 if bit 31 of w8 is 1",
    "adrp x9, #0x3000": "x9 = the address of the page 0x3000",
    "mrs x29, fpsr": "x29 = the floating-point state (fpsr)",
    "ret": "return",
}


@functools.cache
def texts(level):
    """Return all instructions of a pack, with registers 0, 1, 2 and so on in the holes."""
    isa = LEVELS[level]
    found = set()
    for stencil in map(load(isa).__getitem__, load(isa)):
        pointer = next(iter(stencil.pointer)) if stencil.pointer else None
        code = stencil.patch(tuple(range(len(stencil.registers))), pointer)
        data = code.to_bytes(stencil.size, "little")
        found.update(text for _, text in disassembled(data, 0, isa.architecture))
    return found


def rows(table):
    """Return the rows of a table without their suffixes."""
    return {(row.stem, row.words) for row in table.ROWS.values()}


@pytest.mark.parametrize("level", LEVELS)
def test_every_instruction_of_a_pack_has_words(level):
    architecture = LEVELS[level].architecture
    assert [text for text in texts(level) if not plain(text, architecture)] == []


@pytest.mark.parametrize("level", LEVELS)
def test_every_instruction_of_a_kernel_has_words(level):
    kernel = cpjit(wave, isa=level).lower(*arguments())
    architecture = LEVELS[level].architecture
    code = kernel.code.data[: kernel.code.pool_start].rstrip(b"\0")
    assert [
        text for _, text in disassembled(code, 0, architecture) if not plain(text, architecture)
    ] == []


@pytest.mark.parametrize("architecture", TABLES)
def test_every_row_is_of_use(architecture):
    table = TABLES[architecture]
    names = {
        text.partition(" ")[0]
        for level, isa in LEVELS.items()
        if isa.architecture == architecture
        for text in texts(level)
    }
    names |= LESSONS.get(architecture, set())
    used = {(table.ROWS[name].stem, table.ROWS[name].words) for name in names}
    assert sorted(stem for stem, _ in rows(table) - used) == []


@pytest.mark.parametrize("architecture", TABLES)
def test_no_mnemonic_is_in_two_groups(architecture):
    table = TABLES[architecture]
    assert len(table.ROWS) == sum(map(len, table.GROUPS))


@pytest.mark.parametrize("text", X86)
def test_words_of_x86_64(text):
    assert plain(text, "x86_64") == X86[text]


@pytest.mark.parametrize("text", AARCH64)
def test_words_of_aarch64(text):
    assert plain(text, "aarch64") == AARCH64[text]


@pytest.mark.parametrize("constant", TERNARY)
def test_words_of_operations_on_three_bits_have_the_constants_results(constant):
    # Python's operators bind as the words are read; ~ is of one bit.
    words = TERNARY[constant].format(a="a", b="b", c="c")
    results = (
        eval(words, {"a": a, "b": b, "c": c}) & 1 for a, b, c in itertools.product((0, 1), repeat=3)
    )
    assert sum(bit << at for at, bit in enumerate(results)) == constant


@pytest.mark.parametrize("level", LEVELS)
def test_words_are_short(level):
    sizes = sorted(len(plain(text, LEVELS[level].architecture)) for text in texts(level))
    assert sizes[-1] <= 110
    assert sizes[len(sizes) // 2] <= 60


@pytest.mark.parametrize("architecture", TABLES)
def test_what_is_no_known_instruction_has_no_words(architecture):
    assert [plain(text, architecture) for text in ("", ".byte 0x40, 0x01", "vadd", "hlt")] == [
        ""
    ] * 4
