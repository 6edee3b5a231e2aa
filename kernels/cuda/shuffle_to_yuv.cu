// Phases [N, C*r*r, h, w] -> planes of codes [N, r*h, r*w]: pixel shuffle, then
// reference.rgb_to_yuv (C = 3) or reference.quantize_luma (C = 1), in one pass over memory.
//
// Channel c of pixel (X, Y) is phase channel c*r*r + (Y % r)*r + X % r at (X / r, Y / r), as
// torch.pixel_shuffle has it. Planar or semi-planar 4:2:0, 4:2:2, 4:4:4, or luma alone. One thread
// makes RUN pixels of the rows that share a chroma row; blocks of (32, 8) threads, a grid of
// (runs / 32, chroma rows / 8, pictures).
#include "color.cuh"

struct ShuffleToYuv {
    Tensor phases;
    Plane planes[3];
    int width, height;
    int across, down;  // luma samples per chroma sample; across is 0 where luma alone is made
    int channels, shuffle_bits;  // 3 or 1; r = 1 << shuffle_bits
    Levels levels;
    float offset;                       // added to every value
    float before_across, before_down;   // what the sample before a co-sited one weighs: 1/4, else 0
    float red, green, blue;             // luma weights
    float cb_scale, cr_scale;           // 2 * (1 - Kb), 2 * (1 - Kr)
};

// Where the phases of one row of pixels start, and how to get from column to column.
template <class T>
struct PhaseRow {
    const char* start;
    int64 plane, across, pixel;
    int bits, mask;
    float offset;

    __device__ PhaseRow(const ShuffleToYuv& a, int y)
        : plane(a.phases.channel << 2 * a.shuffle_bits),
          across(a.phases.channel),
          pixel(a.phases.pixel),
          bits(a.shuffle_bits),
          mask((1 << a.shuffle_bits) - 1),
          offset(a.offset) {
        const int64 channel = (y & mask) << bits;
        start = a.phases.data + blockIdx.z * a.phases.picture + channel * across;
        start += (y >> bits) * a.phases.row;
    }

    __device__ const char* at(int x) const {
        return start + (x & mask) * across + (x >> bits) * pixel;
    }

    __device__ float value(const char* address, int channel) const {
        return to_float(*reinterpret_cast<const T*>(address + channel * plane)) + offset;
    }
};

template <class S>
__device__ void write_luma(const ShuffleToYuv& a, int x0, int y, const float* luma) {
    const Plane& plane = a.planes[0];
    char* start = row_of(plane, blockIdx.z, y) + x0 * plane.sample;
    Pack<S> pack;
#pragma unroll
    for (int i = 0; i < RUN; i++)
        pack.values[i] = quantize<S>(luma[i], a.levels.luma_span, a.levels.luma_offset, a.levels);
    if (x0 + RUN <= a.width && plane.sample == sizeof(S) && is_aligned<S>(start)) {
        *reinterpret_cast<Pack<S>*>(start) = pack;
        return;
    }
#pragma unroll
    for (int i = 0; i < RUN; i++)
        if (x0 + i < a.width) *reinterpret_cast<S*>(start + i * plane.sample) = pack.values[i];
}

template <class S>
__device__ __forceinline__ void write_chroma(
    const ShuffleToYuv& a, int which, int column, int y, float value) {
    const Plane& plane = a.planes[which];
    const S code = quantize<S>(value, a.levels.chroma_span, a.levels.chroma_offset, a.levels);
    *reinterpret_cast<S*>(row_of(plane, blockIdx.z, y) + column * plane.sample) = code;
}

template <class S, class T>
__device__ void luma_only(const ShuffleToYuv& a, int x0, int y) {
    const PhaseRow<T> row(a, y);
    float luma[RUN];
#pragma unroll
    for (int i = 0; i < RUN; i++) {
        const char* address = row.at(clamp_index(x0 + i, a.width));
        if (a.channels == 1) {  // footroom and headroom stay what they are
            luma[i] = row.value(address, 0);
            continue;
        }
        const float red = clamp_unit(row.value(address, 0));
        const float green = clamp_unit(row.value(address, 1));
        const float blue = clamp_unit(row.value(address, 2));
        luma[i] = fmaf(blue, a.blue, fmaf(green, a.green, red * a.red));
    }
    write_luma<S>(a, x0, y, luma);
}

// Adds the rows' B - Y and R - Y times `weight` to the sums of columns x0 - EXTRA ... x0 + RUN - 1.
// Row y is written where `write` says so; edges replicate, which odd sizes need at the far end too.
template <class S, class T, int EXTRA>
__device__ void add_row(
    const ShuffleToYuv& a, int x0, int y, bool write, float weight, float* blue_sum,
    float* red_sum) {
    const PhaseRow<T> row(a, clamp_index(y, a.height));
    float luma[EXTRA + RUN];
#pragma unroll
    for (int i = 0; i < EXTRA + RUN; i++) {
        const char* address = row.at(clamp_index(x0 - EXTRA + i, a.width));
        const float red = clamp_unit(row.value(address, 0));
        const float green = clamp_unit(row.value(address, 1));
        const float blue = clamp_unit(row.value(address, 2));
        luma[i] = fmaf(blue, a.blue, fmaf(green, a.green, red * a.red));
        blue_sum[i] += weight * (blue - luma[i]);
        red_sum[i] += weight * (red - luma[i]);
    }
    if (write) write_luma<S>(a, x0, y, luma + EXTRA);
}

template <class S, class T, int ACROSS, int DOWN>
__device__ void with_chroma(const ShuffleToYuv& a, int x0, int chroma_y) {
    constexpr int EXTRA = ACROSS == 2 ? 1 : 0;  // co-sited chroma needs the column before
    float blue[EXTRA + RUN] = {}, red[EXTRA + RUN] = {};
    const int y = chroma_y * DOWN;
    if (DOWN == 1) {
        add_row<S, T, EXTRA>(a, x0, y, true, 1.0f, blue, red);
    } else {
        // [1 2 1] / 4 co-sited, [1 1] / 2 between two rows: the row itself weighs 1/2 in both.
        // Sums are formed in the order of the reference, for the same last bit.
        add_row<S, T, EXTRA>(a, x0, y, true, 0.5f, blue, red);
        add_row<S, T, EXTRA>(a, x0, y + 1, y + 1 < a.height, 0.5f - a.before_down, blue, red);
        if (a.before_down != 0.0f)
            add_row<S, T, EXTRA>(a, x0, y - 1, false, a.before_down, blue, red);
    }
#pragma unroll
    for (int i = 0; i < RUN / ACROSS; i++) {
        const int column = x0 / ACROSS + i;
        if (column * ACROSS >= a.width) return;
        float b = blue[i], r = red[i];
        if (ACROSS == 2) {
            const float before = a.before_across, after = 0.5f - before;
            b = 0.5f * blue[2 * i + 1] + after * blue[2 * i + 2] + before * blue[2 * i];
            r = 0.5f * red[2 * i + 1] + after * red[2 * i + 2] + before * red[2 * i];
        }
        write_chroma<S>(a, 1, column, chroma_y, b / a.cb_scale);
        write_chroma<S>(a, 2, column, chroma_y, r / a.cr_scale);
    }
}

template <class S, class T>
__device__ __forceinline__ void shuffle_to_yuv(const ShuffleToYuv& a) {
    const int x0 = (blockIdx.x * blockDim.x + threadIdx.x) * RUN;
    const int y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x0 >= a.width || y * a.down >= a.height) return;
    if (a.across == 0) luma_only<S, T>(a, x0, y);
    if (a.across == 1) with_chroma<S, T, 1, 1>(a, x0, y);
    if (a.across == 2 && a.down == 1) with_chroma<S, T, 2, 1>(a, x0, y);
    if (a.across == 2 && a.down == 2) with_chroma<S, T, 2, 2>(a, x0, y);
}

#define ENTRY(NAME, S, T)                                               \
    extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS)       \
    NAME(const __grid_constant__ ShuffleToYuv a) {                      \
        shuffle_to_yuv<S, T>(a);                                        \
    }

ENTRY(shuffle_to_yuv_uint8_float16, unsigned char, __half)
ENTRY(shuffle_to_yuv_uint8_float32, unsigned char, float)
ENTRY(shuffle_to_yuv_uint16_float16, unsigned short, __half)
ENTRY(shuffle_to_yuv_uint16_float32, unsigned short, float)
#undef ENTRY
