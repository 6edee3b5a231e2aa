"""A run, decided before it starts: sizes, tiles and memory, beside the target's own plan."""

from __future__ import annotations

from vidsr.engines.tiling import is_exact
from vidsr.errors import OptionError
from vidsr.option_values import MAX_SIDE
from vidsr.picture.frame import VideoFormat
from vidsr.picture.size import Size
from vidsr.run.forecast import length, process_bytes
from vidsr.run.spec import JobSpec
from vidsr.run.wanted_size import WantedSize
from vidsr.upscaling.upscaler import Upscaler
from vidsr.video.header import StreamHeader
from vidsr.video.info import SourceInfo
from vidsr.video.pieces.cuts import Cuts
from vidsr.video.pieces.key_frames import key_times
from vidsr.video.pieces.planning import plan_pieces
from vidsr.video.sink.output_plan import OutputPlan


def choose_scale(size: WantedSize | None, source: VideoFormat, scale: int | None) -> int | None:
    """Return the factor for a wanted size, 2 if that is enough, else 4; None is the model's own."""
    if scale is not None or size is None:
        return scale
    large = size.of(source)
    enough = large.width <= 2 * source.width and large.height <= 2 * source.height
    return 2 if enough else 4


def target_size(size: WantedSize | None, source: VideoFormat, scale: int) -> Size:
    """Return the size of the target. Raises OptionError outside 1 to 16384."""
    large = size.of(source) if size else Size(source.width * scale, source.height * scale)
    if not (0 < large.width <= MAX_SIDE and 0 < large.height <= MAX_SIDE):
        raise OptionError(
            f"the target would be {large}; expected sides of 1 to {MAX_SIDE}.",
            hint="choose another `scale`, `size` or `height`.",
        )
    return large


def describe(info: SourceInfo, output: OutputPlan, upscaler: Upscaler) -> list[str]:
    """Return the plan for people, a fact a line."""
    engine, target = upscaler.engine, output.format
    memory = upscaler.memory_plan(info.format, target)
    assumed = " (matrix assumed)" if info.matrix_assumed else ""
    lines = [
        f"source   {info.path}: {info.codec} {_shape(info.format)}{assumed}, "
        f"{float(info.rate):.6g} fps, time base {info.time_base}",
        f"target   {output.target.locator}: {output.codec.name} {_shape(target)}, "
        + " ".join(f"{k}={v}" for k, v in output.options.items()),
        f"model    {upscaler.model.name} on {engine.device} in {str(engine.dtype)[6:]}",
        f"tiles    {describe_tile(memory.tile)}, {_surroundings(info, upscaler, memory.tile)}",
        f"memory   about {memory.total >> 20} MiB for frames and "
        f"network, limit {upscaler.memory_limit >> 20} MiB; the encoder's own comes on top",
    ]
    lines.append(f"length   {length(info).removeprefix(', ') or 'unknown'}")
    if (whole := process_bytes(info, output, upscaler)) is not None:
        lines.append(
            f"process  about {whole >> 20} MiB at its peak, encoder and libraries included"
        )
    lines += [f"stream   {s.index} {s.kind}: {s.action} {s.codec}" for s in output.streams]
    return lines


def planned_cuts(
    spec: JobSpec, header: StreamHeader, output: OutputPlan, *, shared: bool = False
) -> Cuts | None:
    """Return the cuts of a run into pieces; None where it is not cut.

    ``near`` reuse is not: what it takes for unchanged depends on where it begins. Addresses are
    for a ``shared`` run alone.
    """
    options = spec.options
    exact = options.reuse != "near"
    listed = spec.source.kind == "file" and not options.start_s and header.video is not None
    kept = spec.source.kind in ("file", "object") or (shared and spec.source.kind == "address")
    return plan_pieces(
        header,
        output,
        options.piece_frames,
        wanted=exact and not options.no_pieces and kept,
        rated=options.bitrate is not None,
        keys=lambda: key_times(spec.source, header.video or 0) if listed else (),
    )


def describe_cuts(cuts: Cuts | None) -> str:
    """Return the line of a plan that says whether a stopped run can go on."""
    if cuts is None:
        return "pieces   none: a run that is stopped begins anew"
    about = "about " if cuts.begins else ""
    pieces = f"{cuts.count} of {about}{cuts.frames} frames" if cuts.count > 1 else "1"
    return f"pieces   {pieces}: the same command goes on with a run that was stopped"


def _surroundings(info: SourceInfo, upscaler: Upscaler, tile: Size | None) -> str:
    """Return what is read around tiles, and what that leaves where it is known."""
    engine, size = upscaler.engine, Size(info.format.width, info.format.height)
    if engine.halo is not None and is_exact(engine, size, tile):
        return f"halo {engine.halo} pixels"
    levels = tile_error_levels(upscaler, size, tile)
    left = "" if levels is None else f", which leaves {levels:.2f} levels"
    return f"blended with {engine.traits.blend_margin} pixels around{left}"


def tile_error_levels(upscaler: Upscaler, size: Size, tile: Size | None) -> float | None:
    """Return what tiles that blend leave where they overlap, in levels of 8 bits.

    Root mean square; 0 where tiles are exact, None where nobody has measured it.
    """
    engine, known = upscaler.engine, upscaler.pool.surroundings
    if is_exact(engine, size, tile):
        return 0.0
    return None if known is None else known.levels.get(engine.traits.blend_margin)


def describe_tile(tile: Size | None) -> str:
    return "whole frames" if tile is None else str(tile)


def _shape(layout: VideoFormat) -> str:
    size = f"{layout.width}x{layout.height}"
    return f"{size} {layout.pixel.name} {layout.color.describe()}"
