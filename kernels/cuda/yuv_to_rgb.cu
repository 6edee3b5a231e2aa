// Planes of codes -> [N, 3, H, W] floats in [0, 1], clamped: reference.yuv_to_rgb.
//
// Planar or semi-planar 4:2:0, 4:2:2, 4:4:4 and grey, 8 bits or more. One thread makes RUN pixels
// of one row; blocks of (32, 8) threads, a grid of (runs / 32, rows / 8, pictures).
#include "color.cuh"

struct YuvToRgb {
    Plane planes[3];
    Tensor rgb;
    int width, height;
    int across, down;  // luma samples per chroma sample; across is 0 without chroma
    Levels levels;
    // [parity of the luma sample]: what the nearer chroma sample weighs, and the other one, which
    // precedes it at even positions and follows it at odd ones.
    float near_across[2], near_down[2];
    float red_cr, green_cr, green_cb, blue_cb;
};

// Chroma codes of RUN pixels. The weights are quarters: their sums are exact for 16-bit codes.
template <class S, int ACROSS>
struct ChromaRun {
    static constexpr int COLUMNS = RUN / ACROSS + (ACROSS == 2 ? 2 : 0);

    __device__ static void read(const YuvToRgb& a, int which, int x0, int y, float* result) {
        const Plane& plane = a.planes[which];
        const int rows = (a.height + a.down - 1) / a.down;
        const int columns = (a.width + ACROSS - 1) / ACROSS;
        const int parity = a.down == 2 ? y & 1 : 0;
        const int near_y = a.down == 2 ? y >> 1 : y;
        const int far_y = clamp_index(near_y + (parity ? 1 : -1), rows);
        const float near_weight = a.down == 2 ? a.near_down[parity] : 1.0f;
        const char* near_row = row_of(plane, blockIdx.z, near_y);
        const char* far_row = row_of(plane, blockIdx.z, far_y);
        const int first = x0 / ACROSS - (ACROSS == 2 ? 1 : 0);

        float column[COLUMNS];
#pragma unroll
        for (int i = 0; i < COLUMNS; i++) {
            const int x = clamp_index(first + i, columns);
            column[i] = near_weight * code_at<S>(plane, near_row, x, a.levels.shift);
            if (near_weight != 1.0f)
                column[i] += (1.0f - near_weight) * code_at<S>(plane, far_row, x, a.levels.shift);
        }
#pragma unroll
        for (int i = 0; i < RUN; i++) {
            if (ACROSS == 1) {
                result[i] = column[i];
            } else {
                const int other = i / 2 + (i % 2 ? 2 : 0);
                const float weight = a.near_across[i % 2];
                result[i] = weight * column[i / 2 + 1] + (1.0f - weight) * column[other];
            }
        }
    }
};

template <class S>
__device__ void read_luma(const YuvToRgb& a, int x0, int y, float* luma) {
    const Plane& plane = a.planes[0];
    const char* row = row_of(plane, blockIdx.z, y);
    const char* start = row + x0 * plane.sample;
    if (x0 + RUN <= a.width && plane.sample == sizeof(S) && is_aligned<S>(start)) {
        const Pack<S> pack = *reinterpret_cast<const Pack<S>*>(start);
#pragma unroll
        for (int i = 0; i < RUN; i++)
            luma[i] = static_cast<float>(pack.values[i] >> a.levels.shift);
    } else {
#pragma unroll
        for (int i = 0; i < RUN; i++)
            luma[i] = code_at<S>(plane, row, clamp_index(x0 + i, a.width), a.levels.shift);
    }
#pragma unroll
    for (int i = 0; i < RUN; i++)
        luma[i] = (luma[i] - a.levels.luma_offset) / a.levels.luma_span;
}

// Floats of RUN pixels, `rgb[i][c]`, to where they belong: 16 bytes at a time where memory allows.
template <class T>
__device__ void write_rgb(const YuvToRgb& a, int x0, int y, const float rgb[RUN][3]) {
    const Tensor& t = a.rgb;
    const int64 size = sizeof(T);
    char* start = t.data + blockIdx.z * t.picture + y * t.row + x0 * t.pixel;
    const bool whole = x0 + RUN <= a.width;
    const bool planar = t.pixel == size && t.channel % 16 == 0;
    const bool packed = t.channel == size && t.pixel == 3 * size;
    if (whole && (planar || packed) && is_aligned<T>(start)) {
        const int64 stride = planar ? t.channel : RUN * size;
#pragma unroll
        for (int part = 0; part < 3; part++) {
            Pack<T> pack;
#pragma unroll
            for (int i = 0; i < RUN; i++) {
                const int k = part * RUN + i;  // in a packed run, value k is channel k % 3
                const float value = planar ? rgb[i][part] : rgb[k / 3][k % 3];
                from_float(value, pack.values[i]);
            }
            *reinterpret_cast<Pack<T>*>(start + part * stride) = pack;
        }
        return;
    }
#pragma unroll
    for (int i = 0; i < RUN; i++) {
        if (x0 + i >= a.width) return;
#pragma unroll
        for (int c = 0; c < 3; c++)
            from_float(rgb[i][c], *reinterpret_cast<T*>(start + i * t.pixel + c * t.channel));
    }
}

template <class S, class T, int ACROSS>
__device__ void convert(const YuvToRgb& a, int x0, int y) {
    float luma[RUN], cb[RUN], cr[RUN], rgb[RUN][3];
    read_luma<S>(a, x0, y, luma);
    if (ACROSS != 0) {
        ChromaRun<S, ACROSS == 2 ? 2 : 1>::read(a, 1, x0, y, cb);
        ChromaRun<S, ACROSS == 2 ? 2 : 1>::read(a, 2, x0, y, cr);
    }
#pragma unroll
    for (int i = 0; i < RUN; i++) {
        float red = luma[i], green = luma[i], blue = luma[i];
        if (ACROSS != 0) {
            const float u = (cb[i] - a.levels.chroma_offset) / a.levels.chroma_span;
            const float v = (cr[i] - a.levels.chroma_offset) / a.levels.chroma_span;
            red = fmaf(v, a.red_cr, luma[i]);
            green = fmaf(u, a.green_cb, fmaf(v, a.green_cr, luma[i]));
            blue = fmaf(u, a.blue_cb, luma[i]);
        }
        rgb[i][0] = clamp_unit(red), rgb[i][1] = clamp_unit(green), rgb[i][2] = clamp_unit(blue);
    }
    write_rgb<T>(a, x0, y, rgb);
}

template <class S, class T>
__device__ __forceinline__ void yuv_to_rgb(const YuvToRgb& a) {
    const int x0 = (blockIdx.x * blockDim.x + threadIdx.x) * RUN;
    const int y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x0 >= a.width || y >= a.height) return;
    if (a.across == 2) convert<S, T, 2>(a, x0, y);
    if (a.across == 1) convert<S, T, 1>(a, x0, y);
    if (a.across == 0) convert<S, T, 0>(a, x0, y);
}

#define ENTRY(NAME, S, T)                                               \
    extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS)       \
    NAME(const __grid_constant__ YuvToRgb a) {                          \
        yuv_to_rgb<S, T>(a);                                            \
    }

ENTRY(yuv_to_rgb_uint8_float16, unsigned char, __half)
ENTRY(yuv_to_rgb_uint8_float32, unsigned char, float)
ENTRY(yuv_to_rgb_uint16_float16, unsigned short, __half)
ENTRY(yuv_to_rgb_uint16_float32, unsigned short, float)
#undef ENTRY
