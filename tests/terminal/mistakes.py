"""Mistakes that people make on the command line, and how each has to be answered."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

MODULES = {
    "vidsr": "vidsr.cli",
    "vidsr-train": "vidsr.training.command.cli",
    "vidsr-eval": "vidsr.quality.cli",
    "vidsr-degrade": "vidsr.degradation.cli",
    "vidsr-engine": "vidsr.engines.command.cli",
    "vidsr-bench": "vidsr.bench.command.cli",
    "vidsr-live": "vidsr.live.service.cli",
    "blend": "vidsr.training.tools.blend",
    "quantise": "vidsr.training.tools.quantise",
    "strengths": "vidsr.training.tools.strengths",
}


@dataclass(frozen=True)
class Mistake:
    """A command line that is wrong, its exit status and a part of its message."""

    command: str
    line: str
    status: int
    said: str

    @property
    def name(self) -> str:
        """The command line as it would be typed."""
        return f"{self.command} {self.line}"


def make_files(folder: Path) -> None:
    """Write the files that the mistakes name; none of them has to hold what its name says."""
    for name in ("in.mp4", "taken.mp4", "in.png", "taken.png", "net.onnx", "taken.safetensors"):
        (folder / name).write_text("nothing")
    (folder / "void.mp4").touch()
    for name in ("photos", "empty", "taken", "locked", "begun"):
        (folder / name).mkdir()
    for name in ("photos/a.png", "photos/b.png", "taken/a.png", "begun/state.pt"):
        (folder / name).write_text("nothing")
    (folder / "begun" / "options.json").write_text(json.dumps({"surprise": 1}))
    (folder / "locked").chmod(0o500)


def _of(command: str, *rows: tuple[str, int, str]) -> tuple[Mistake, ...]:
    return tuple(Mistake(command, *row) for row in rows)


RUN = "in.mp4 -o out.mp4 "
VIDSR = _of(
    "vidsr",
    ("", 2, "INPUT and -o OUTPUT are needed"),
    ("no.mp4 -o out.mp4", 3, "no.mp4: no such file"),
    ("frames/%05d.png -o out.mp4", 3, "no file of this sequence"),
    ("photos -o out.mp4", 3, "photos: is a folder. Hint: name a pattern such as"),
    ("void.mp4 -o out.mp4", 3, "void.mp4: is empty. Hint: whatever wrote it"),
    ("in.mp4 -o taken.mp4", 4, "exists already. Hint: --overwrite"),
    ("in.mp4 -o in.mp4 --overwrite", 4, "is the source itself"),
    ("in.mp4 -o absent/out.mp4", 4, "absent: no such folder"),
    ("in.mp4 -o nowhere", 2, "suffix '' unknown"),
    ("in.mp4 photos -o out.mp4", 2, "out.mp4: expected a folder for several inputs"),
    ("in.mp4 photos -o taken.mp4", 4, "taken.mp4: is a file: expected a folder"),
    ("in.mp4 photos -o out --name {stemm}.mkv", 2, "unknown place {stemm}. Hint: did you mean"),
    ("in.mp4 ./in.mp4 photos/a.png in.png -o out --name a.png", 2, "have one target"),
    ("@no.txt -o out", 3, "no.txt: no such list"),
    ("@no.toml -o out", 3, "no.toml: no such file of options"),
    ("empty -o out/", 3, "empty: no videos or pictures there"),
    ("x*.mp4 -o out/", 3, "no file has a name like this"),
    ("in.mp4 -o out/ --skip-existing --overwrite", 2, "expected one of them"),
    ("in.mp4 -o out.mp4 --name {stem}.mkv", 2, "--name with one target"),
    ("in.mp4 -o out.mp4 --settle 3", 2, "--settle without --watch"),
    ("season/ -o large/ --settle 3", 2, "--settle without --watch"),
    ("in.mp4 -o out.exe", 2, "suffix '.exe' unknown"),
    (RUN + "--crf 999", 2, "--crf 999 with h264: expected 0 to 51"),
    (RUN + "--crf best", 2, "--crf: expected a whole number"),
    (RUN + "--codec av1 --crf 64", 2, "--crf 64 with av1: expected 0 to 63"),
    (RUN + "--codec ffv1 --crf 1", 2, "no quality setting"),
    (RUN + "--codec nothing", 2, "--codec nothing: expected one of h264, hevc"),
    ("in.mp4 -o out.ts --codec ffv1", 2, ".ts cannot hold it"),
    ("in.mp4 -o out%d.png --codec h264", 2, ".png pictures are png"),
    (RUN + "--preset nonsense", 2, "--preset nonsense with h264: expected one of ultrafast"),
    (RUN + "--pix-fmt nonsense", 2, "--pix-fmt nonsense"),
    (RUN + "--scale 3", 2, "--scale 3: expected 1, 2 or 4 with"),
    (RUN + "--scale 17", 2, "expected a whole number of 1 to 16"),
    (RUN + "--scale 4 --model lite-x2", 2, "--scale 4, but lite-x2 upscales 2 times"),
    (RUN + "--scale 2 --model unet", 2, "--scale 2, but unet keeps the size"),
    (RUN + "--size 0x0", 2, "got '0x0'"),
    (RUN + "--size 64x48 --height 48", 2, "expected one of them"),
    (RUN + "--height -1", 2, "expected a whole number of 1 to 16384"),
    (RUN + "--tile 3", 2, "expected two sizes of 16 or more, got '3'"),
    (RUN + "--start -5", 2, "expected 0 or more seconds, got '-5'"),
    (RUN + "--duration 0", 2, "expected more than 0 seconds, got '0'"),
    (RUN + "--framerate 1/0", 2, "--framerate: expected a number"),
    (RUN + "--max-memory x", 2, "expected a size such as 512M or 2G, got 'x'"),
    (RUN + "--device tpu", 2, "--device tpu: expected 'auto', 'cpu'"),
    (RUN + "--device cuda:0,", 2, "a name is missing beside a comma"),
    (RUN + "--precision int8", 2, "invalid choice: 'int8'"),
    (RUN + "--precision fp16 --device cpu", 2, "--precision fp16 on a CPU"),
    (RUN + "--engine tensort", 2, "did you mean tensorrt?"),
    (RUN + "--engine tensorrt --device cpu", 2, "--engine tensorrt on cpu"),
    (RUN + "--engine openvino --precision bf16", 2, "--precision bf16 with --engine openvino"),
    (RUN + "--engine torch --wait-for-engine", 2, "--wait-for-engine with --engine torch"),
    (RUN + "--model sresnet-x4", 6, "--model sresnet-x4, available"),
    (RUN + "--model no.pth", 6, "no.pth: does not exist"),
    (RUN + "--model photos/", 6, "is a directory"),
    (RUN + "--report absent/a.json", 4, "--report absent/a.json: cannot be written there"),
    (RUN + "--report in.mp4", 4, "is the source or the target itself"),
    (RUN + "--crff 3", 2, "did you mean --crf?"),
    (RUN + "--enhance sharpest", 2, "--enhance sharpest: expected less blocking, less noise"),
    (RUN + "--look crisp --model lite", 2, "--look crisp with --model lite: a chosen"),
    (RUN + "--look crisp --scale 2", 2, "--scale 2, but lite-crisp-x4 upscales 4 times"),
    (RUN + "--enhance sharper --model lite", 2, "--look crisp with --model lite: a chosen"),
    (RUN + "--enhance sharper,keep_grain", 2, "--enhance keep_grain: expected"),
)
BEGIN = "photos --out run --steps 5 "
TRAIN = _of(
    "vidsr-train",
    ("--out run --steps 5", 2, "DATA is missing"),
    ("nowhere --out run --steps 5", 3, "nowhere: no such folder"),
    ("empty --out run --steps 5", 3, "empty: no pictures and no videos in it"),
    ("photos --out begun --steps 5", 2, "exists already"),
    ("photos --out in.mp4/run --steps 5", 4, "in.mp4/run: cannot be created"),
    ("--out run --resume", 3, "no run to go on with"),
    ("--out begun --resume", 2, "not the options of a training run"),
    ("photos --out run", 2, "expected one of --steps and --minutes"),
    ("photos --out run --minutes 0", 2, "--minutes 0"),
    (BEGIN + "--model edsr", 2, "--model edsr: expected lite"),
    (BEGIN + "--scale 3", 2, "--scale 3"),
    (BEGIN + "--crop 0", 2, "--crop 0: expected 8 to 1024"),
    (BEGIN + "--batch x", 2, "--batch"),
    (BEGIN + "--loss l3", 2, "--loss l3: expected l1, mse or charbonnier"),
    (BEGIN + "--precision int8", 2, "--precision int8"),
    (BEGIN + "--recipe wbe", 3, "did you mean web"),
    (BEGIN + "--init no.pth", 6, "no.pth: does not exist"),
    (BEGIN + "--init lite-x9", 6, "--model lite-x9, available"),
    (BEGIN + "--teacher no.pth", 6, "no.pth: does not exist"),
    (BEGIN + "--teacher lite-x2", 6, "expected scale 4 of the run, got 2"),
    (BEGIN + "--validate nowhere", 3, "nowhere: no such folder"),
    (BEGIN + "--device tpu", 2, "--device tpu: expected"),
    (BEGIN + "--threads 0", 2, "--threads 0: expected 1 or more"),
    (BEGIN + "--every 0", 2, "--every 0: expected 1 or more"),
    (BEGIN + "--model srgan", 2, "without weights of VGG19"),
    (BEGIN + "--model srgan --vgg no.pth", 6, "no.pth: no such file"),
    (BEGIN + "--stepps 3", 2, "did you mean --steps?"),
)
EVAL = _of(
    "vidsr-eval",
    ("--data nowhere", 3, "no pictures in nowhere/Set5"),
    ("--data photos --sets Set9", 3, "no pictures in photos/Set9"),
    ("--hr nowhere", 3, "--hr nowhere: no such file or folder"),
    ("--hr empty", 3, "empty: no pictures in it"),
    ("--hr photos --lr nowhere", 3, "--lr nowhere: no such file or folder"),
    ("--hr photos --lr in.png", 2, "expected two folders or two files"),
    ("--lr photos", 2, "--lr is given without --hr"),
    ("--hr photos --data photos", 2, "expected one of them"),
    ("--hr photos --model lite-x9", 6, "--model lite-x9, available"),
    ("--hr photos --model no.pth", 6, "no.pth: does not exist"),
    ("--hr photos --scale 0", 2, "--scale"),
    ("--hr photos --scale 3", 2, "--scale 3: expected 1, 2 or 4 with"),
    ("--hr photos --metrics psnr,vmaf", 2, "--metrics vmaf: expected psnr"),
    ("--hr photos --metrics flicker", 2, "pictures do not flicker"),
    ("--hr photos --baselines magic", 2, "baseline 'magic': expected nearest"),
    ("--hr photos --border -1", 2, "--border -1: expected 0 or more"),
    ("--hr photos --frames 3", 2, "--frames: expected a video"),
    ("--hr photos --device tpu", 2, "--device tpu: expected"),
    ("--hr photos --json absent/a.json", 4, "--json absent/a.json: cannot be written there"),
    ("--hr photos --sheet a.jpg", 4, "expected a name that ends in .png"),
    ("--hr photos --sheet absent/a.png", 4, "--sheet absent/a.png: cannot be written there"),
)
DEGRADE = _of(
    "vidsr-degrade",
    ("", 2, "INPUT and -o OUTPUT are needed"),
    ("no.mp4 -o out.mp4", 3, "no.mp4: no such file"),
    ("in.mp4 -o taken.mp4", 4, "exists already"),
    ("in.mp4 -o absent/out.mp4", 4, "absent: no such folder"),
    ("in.mp4 -o out.exe", 2, "suffix '.exe' unknown"),
    ("in.mp4 -o out.mp4 --recipe wbe", 3, "did you mean web"),
    ("in.mp4 -o out.mp4 --scale 0", 2, "--scale 0: expected 1 or more"),
    ("in.mp4 -o out.mp4 --every 0", 2, "--every 0: expected 1 or more"),
    ("in.mp4 -o out.mp4 --crf 999", 2, "--crf 999 with h264: expected 0 to 51"),
    ("in.mp4 -o out.mp4 --codec nothing", 2, "--codec nothing: expected one of"),
    ("in.mp4 -o out.mp4 --seed x", 2, "--seed"),
    ("in.mp4 -o out.mp4 --pairs in.png/pairs", 4, "in.png/pairs: cannot be created"),
    ("in.png -o out.jpg", 2, "becomes a .png"),
    ("in.png -o taken.png", 4, "exists already"),
    ("in.png -o out.png --crf 3", 2, "--crf: in.png is no video"),
    ("photos -o photos", 4, "is the source itself"),
    ("photos -o taken", 4, "exists already"),
    ("empty -o out", 3, "empty: no pictures in it"),
    ("photos -o in.png/out", 4, "in.png/out: cannot be created"),
)
BUILD = "build lite-x4 --size 64x48 "
ENGINE = _of(
    "vidsr-engine",
    ("", 2, "COMMAND"),
    ("biuld lite-x4", 2, "did you mean build?"),
    ("export lite-x9 -o a.onnx", 6, "MODEL lite-x9, available"),
    ("export no.pth -o a.onnx", 6, "no.pth: does not exist"),
    ("export net.onnx -o a.onnx", 2, "is an ONNX file already"),
    ("export lite-x4 -o absent/a.onnx", 4, "absent/a.onnx: cannot be written there"),
    ("export lite-x4 -o a.onnx --precision int4", 2, "invalid choice: 'int4'"),
    ("build lite-x9 --size 64x48", 6, "MODEL lite-x9, available"),
    ("build no.onnx --size 64x48", 6, "no.onnx: cannot be read"),
    ("build lite-x4 --size 0x0", 2, "--size: expected WxH"),
    ("build net.onnx --size 64x48 --precision fp16", 2, "net.onnx has one"),
    (BUILD + "--device tpu", 2, "--device tpu: expected 'cuda' or 'cuda:N'"),
    (BUILD + "--workspace x", 2, "expected a number such as 512M"),
    (BUILD + "--optimization-level 9", 2, "expected 0 to 5, got '9'"),
    ("verify lite-x9", 6, "MODEL lite-x9, available"),
    ("verify --device cpu", 2, "--device cpu: expected 'cuda' or 'cuda:N'"),
    ("clean", 2, "--all --stale --older-than is required"),
    ("clean --older-than 0", 2, "expected a number of days above 0, got '0'"),
)
BENCH = _of(
    "vidsr-bench",
    ("no.mp4", 3, "no.mp4: no such file"),
    ("--model lite-x9", 6, "--model lite-x9, available"),
    ("--model lite-x2 --scale 4", 2, "--scale 4, but lite-x2 upscales 2 times"),
    ("--device tpu", 2, "--device tpu: expected"),
    ("--codec nothing", 2, "--codec nothing: expected one of"),
    ("--preset nonsense", 2, "--preset nonsense with h264"),
    ("--size 0x0", 2, "--size 0x0: expected even sides"),
    ("--frames 0", 2, "--frames 0: expected 4 or more"),
    ("--repeats 0", 2, "--repeats 0: expected 1 or more"),
    ("--rate 0", 2, "--rate 0: expected 1 to 240"),
    ("--against magic", 2, "--against magic: expected bicubic"),
    ("--json absent/a.json", 4, "--json absent/a.json: cannot be written there"),
    ("--plot a.jpg", 2, "expected a name that ends in .png"),
)
CAMERA = "rtsp://192.0.2.1/cam -o udp://192.0.2.2:5000 "
LIVE = _of(
    "vidsr-live",
    ("rtsp://192.0.2.1/cam", 2, "-o SINK is needed"),
    ("rstp://192.0.2.1/cam -o udp://192.0.2.2:5000", 2, "did you mean rtsp://?"),
    ("rtsp://192.0.2.1/cam -o utp://192.0.2.2:5000", 2, "did you mean udp:?"),
    (CAMERA + "--deadline soon", 2, "--deadline: expected a time such as 200ms"),
    (CAMERA + "--model lite-x9", 6, "--model lite-x9, available"),
    (CAMERA + "--report absent/a.json", 4, "--report absent/a.json: cannot be written there"),
    ("--config absent.toml", 3, "absent.toml: No such file"),
    ("in.mp4 -o udp://192.0.2.2:5000", 2, "is read as fast as it goes"),
)
TOOLS = (
    *_of(
        "blend",
        ("lite-x9 lite-x4 -o a.safetensors", 6, "model = 'lite-x9', available"),
        ("lite-x4 lite-x4 -o taken.safetensors", 4, "exists already"),
        ("lite-x4 lite-x4 -o a.pth", 2, "expected a file named .safetensors"),
        ("lite-x4 lite-x4 -o absent/a.safetensors", 4, "cannot be written there"),
        ("lite-x4 lite-x4 -o a.safetensors --share 2", 2, "--share 2: expected 0 to 1"),
    ),
    *_of(
        "strengths",
        ("lite-x9 lite-x4 --curve 1:1", 6, "model = 'lite-x9', available"),
        ("lite-x4 lite-x4 --curve 1:2", 2, "--curve leads to 2: expected at most 1"),
        ("lite-x4 lite-x4 --curve x", 2, "expected pairs such as 0.5:0,1.5:1"),
    ),
    *_of(
        "quantise",
        ("lite-x9 photos", 6, "MODEL lite-x9, available"),
        ("lite-x4 nowhere", 3, "nowhere: no such folder"),
        ("lite-x4 photos --count 0", 2, "--count 0: expected 1 or more"),
        ("lite-x4 photos --recipe wbe", 3, "did you mean web"),
        ("lite-x4 photos -o absent/a.json", 4, "cannot be written there"),
    ),
)
MISTAKES = (*VIDSR, *TRAIN, *EVAL, *DEGRADE, *ENGINE, *BENCH, *LIVE, *TOOLS)
NEEDS_AV = ("vidsr in.mp4 -o out.mp4 --pix-fmt nonsense",)
"""Answered by what FFmpeg lists, which takes PyAV."""
