"""Pictures as an encoder takes them."""

from __future__ import annotations

import av

from vidsr.picture.frame import Frame, tag_image, to_image
from vidsr.video.sink.encoder_formats import PALETTE
from vidsr.video.sink.output_plan import OutputPlan


def encoder_image(frame: Frame, plan: OutputPlan) -> av.VideoFrame:
    """Return a frame in the encoder's pixel format, without a time, and release the frame.

    A palette is not chosen here, since it follows from the frames before as well.
    """
    image = to_image(frame)
    frame.release()
    wanted = plan.encoder_format
    if wanted not in (PALETTE, image.format.name) and not plan.codec.jpeg_range:
        # swscale's slice threads overwrite samples of some formats: one thread.
        image = image.reformat(format=wanted, threads=1)
        tag_image(image, frame.format.color)
    return image
